/* SPDX-License-Identifier: ISC */
/*
 * rm-kat: known answers of every algorithm in use.
 * Each is computed by the code that the chain itself uses, and held against
 * what a standard, or somebody else's program, says; a signature and a
 * password are also tried spoilt.  It needs no file, no state and no rights.
 * Example: rm-kat && echo all is well
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rm_die.h"
#include "rm_hash.h"
#include "rm_kat.h"
#include "rm_password.h"
#include "rm_pub.h"

#define USAGE		"rm-kat"
#define BYTES_MAX	576

/* A signature over text by a key (SubjectPublicKeyInfo, DER). */
struct signature {
	const char *name, *text, *key, *sig;
};

static const struct signature signatures[] = {
	{ "ECDSA P-256 SHA-256 (RFC 6979 A.2.5)", "sample",
		    "3059301306072a8648ce3d020106082a8648ce3d0301070342000460"
		    "fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60"
		    "f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177"
		    "a3c294d4462299",
		    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf9"
		    "91c34d0ea84eaf3716022100f7cb1c942d657c41d436c7a1b6e29f65"
		    "f3e900dbb9aff4064dc4ab2f843acda8" },
	{ "ECDSA P-384 SHA-384 (RFC 6979 A.2.6)", "sample",
		    "3076301006072a8648ce3d020106052b8104002203620004ec3a4e41"
		    "5b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"
		    "def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9a"
		    "c0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe"
		    "7344fd2533264720",
		    "306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9f"
		    "a73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46023100"
		    "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351"
		    "d0a3a94fa329c145786e679e7b82c71a38628ac8" },
	{ "Ed25519 (RFC 8032 7.1, test 2)", "r",
		    "302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc"
		    "9c982ccf2ec4968cc0cd55f12af4660c",
		    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223"
		    "ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
		    "b00d291612bb0c00" },
	{ "RSA-2048 PKCS#1 v1.5 SHA-256 (RFC 8017)", "sample",
		    "30820122300d06092a864886f70d01010105000382010f003082010a"
		    "02820101009a057d59751f8eb3a1742ffa6d8398f599f93f61688e2b"
		    "6777e4d563db80de2620824c8f59c315083e0f0d16bb24fc030c1d20"
		    "96a5f63070c40cbc5ae4a68761f2ccb3495f3cd1a522e69b2d894e92"
		    "a52b7717752023a1f7746083698e8e5e07e32eb0d0e4d90ad61dce89"
		    "7a30972102ca5770c1a671ecbf73fbb1370870ebb098efaeefacf905"
		    "c7bded411525b0f31d44bf806f851ab10a04933953fe81a231682234"
		    "7f77f61aebffa2d1faf5f13c586559d38cca58d80b6dacaac6bbb5a2"
		    "d93237e236632a17d714c7e020c55395f407cb6e0b8e472a56258d4c"
		    "d7d319cd81709d6f4c0cdb07425c2c24e2459a2bc6380307cf26c630"
		    "372a6a18b7d5dd7ca30203010001",
		    "1abb1228bece59429c84ae490249aa8415b1f4bb6af46a15843a082c"
		    "18ada7d46ee8b61949f1bddcccff11bfcf8d8e62107fcdc0ed47306d"
		    "729e9ab5146f70674f7515359ce5bf156c2734141be6c5587b300979"
		    "1880852877be49447231bc6ed3f042e8d43f6e89cdf99e3ce8a5f6cb"
		    "e62a70ce50442d1b037f689ebb32714729c7cd84dda754093a68658d"
		    "eb82ecc0b81b5113a6a7161a19b7e2de1f6a10aea4933771959a753e"
		    "b190e66c46fccc5da7f5d0e04e86acba60782005f46e3c35bb909ac1"
		    "11e6d7344a4317de7342dd876ab0d7b2422539d50c5ffb386ccd310d"
		    "490e81a329ac4c5b790002263121814727a3bbe8a9f75a75057a7bff"
		    "91806244" }
};

/* Bytes of pairs of digits; returns how many. */
static size_t
unhex(uint8_t *ret, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; hex[2 * i] != '\0' && i < BYTES_MAX; i++)
		ret[i] = (uint8_t)(((strchr(digits, hex[2 * i]) - digits)
		    << 4) | (strchr(digits, hex[2 * i + 1]) - digits));
	return i;
}

static bool
is(const uint8_t *bytes, size_t len, const char *hex)
{
	uint8_t want[BYTES_MAX];

	return unhex(want, hex) == len && memcmp(bytes, want, len) == 0;
}

static bool
check_signature(const struct signature *s)
{
	uint8_t der[BYTES_MAX], sig[BYTES_MAX];
	size_t der_len = unhex(der, s->key), sig_len = unhex(sig, s->sig);
	const char *why;
	struct rm_pub *pub = rm_pub_from_der(der, der_len, &why);
	bool ok;

	ok = pub != NULL && rm_pub_verify(pub, s->text, strlen(s->text), sig,
	    sig_len) == 0;
	sig[sig_len - 1] ^= 1;
	ok = ok && rm_pub_verify(pub, s->text, strlen(s->text), sig,
	    sig_len) == -1;
	rm_pub_free(pub);
	return ok;
}

static bool
sha256(void)
{
	char hex[RM_HASH_HEX];

	rm_hash_sha256(hex, "abc", 3);
	return strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
	    "b410ff61f20015ad") == 0;
}

static bool
blake2b(void)
{
	char hex[RM_HASH_HEX];

	rm_hash_blake2b(hex, "abc", 3);
	return strcmp(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e42"
	    "7262c8c068d52319") == 0;
}

static bool
argon2id(void)
{
	static const char hash[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbH"
	    "Q$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

	return rm_password_fits(hash, "password", 8) == 1 &&
	    rm_password_fits(hash, "passwore", 8) == 0;
}

static bool
hmac_sha384(void)
{
	static const char text[] = "what do ya want for nothing?";
	uint8_t got[64];
	size_t len;

	return rm_kat_hmac(got, sizeof(got), &len, "SHA384", "Jefe", 4, text,
	    strlen(text)) == 0 && is(got, len, "af45d2e376484031617f78d2b58a"
	    "6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab2"
	    "1649");
}

static bool
hkdf_sha256(void)
{
	uint8_t key[BYTES_MAX], salt[BYTES_MAX], info[BYTES_MAX], got[42];
	size_t k = unhex(key, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	size_t s = unhex(salt, "000102030405060708090a0b0c");
	size_t i = unhex(info, "f0f1f2f3f4f5f6f7f8f9");

	return rm_kat_hkdf(got, sizeof(got), "SHA256", key, k, salt, s, info,
	    i) == 0 && is(got, sizeof(got), "3cb25f25faacd57a90434f64d0362f2a"
	    "2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

static bool
x25519(void)
{
	uint8_t secret[BYTES_MAX], point[BYTES_MAX], got[32];

	(void)unhex(secret, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18"
	    "506a2244ba449ac4");
	(void)unhex(point, "e6db6867583030db3594c1a424b15f7c726624ec26b3353b1"
	    "0a903a6d0ab1c4c");
	return rm_kat_x25519(got, secret, point) == 0 && is(got, sizeof(got),
	    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

static bool
aes_256_gcm(void)
{
	const uint8_t zero[32] = { 0 };
	uint8_t got[32];

	return rm_kat_aead(got, "AES-256-GCM", zero, zero, NULL, 0, zero,
	    16) == 0 && is(got, sizeof(got), "cea7403d4d606b6e074ec5d3baf39d1"
	    "8d0d1c8a799996bf0265b98b5d48ab919");
}

static bool
aes_128_gcm(void)
{
	const uint8_t zero[32] = { 0 };
	uint8_t got[32];

	return rm_kat_aead(got, "AES-128-GCM", zero, zero, NULL, 0, zero,
	    16) == 0 && is(got, sizeof(got), "0388dace60b6a392f328c2b971b2fe7"
	    "8ab6e47d42cec13bdf53a67b21257bddf");
}

static bool
chacha20_poly1305(void)
{
	static const char text[] = "Ladies and Gentlemen of the class of '99: "
	    "If I could offer you only one tip for the future, sunscreen would "
	    "be it.";
	uint8_t key[BYTES_MAX], nonce[BYTES_MAX], aad[BYTES_MAX], got[256];
	size_t len = strlen(text);

	(void)unhex(key, "808182838485868788898a8b8c8d8e8f909192939495969798"
	    "999a9b9c9d9e9f");
	(void)unhex(nonce, "070000004041424344454647");
	return rm_kat_aead(got, "ChaCha20-Poly1305", key, nonce, aad,
	    unhex(aad, "50515253c0c1c2c3c4c5c6c7"), (const uint8_t *)text,
	    len) == 0 && is(got, 16, "d31a8d34648e60db7b86afbc53ef7ec2") &&
	    is(got + len, 16, "1ae10b594f09e26a7e902ecbd0600691");
}

static const struct {
	const char *name;
	bool (*check)(void);
} checks[] = {
	{ "SHA-256 (FIPS 180-4)", sha256 },
	{ "BLAKE2b-256 (RFC 7693; coreutils b2sum)", blake2b },
	{ "HMAC-SHA-384 (RFC 4231, case 2)", hmac_sha384 },
	{ "HKDF-SHA-256 (RFC 5869, case 1)", hkdf_sha256 },
	{ "X25519 (RFC 7748 5.2)", x25519 },
	{ "AES-256-GCM (McGrew and Viega, case 14)", aes_256_gcm },
	{ "AES-128-GCM (McGrew and Viega, case 2)", aes_128_gcm },
	{ "ChaCha20-Poly1305 (RFC 8439 2.8.2)", chacha20_poly1305 },
	{ "Argon2id (its reference implementation)", argon2id }
};

static bool
tell(const char *name, bool ok)
{
	(void)printf("%s %s\n", ok ? "ok" : "FAILED", name);
	return ok;
}

int
main(int argc, char *argv[])
{
	bool all = true;
	size_t i;

	rm_die_init("rm-kat");
	if (getopt(argc, argv, "+") != -1 || optind != argc)
		die_usage(USAGE);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		all = tell(checks[i].name, checks[i].check()) && all;
	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		all = tell(signatures[i].name,
		    check_signature(&signatures[i])) && all;
	if (fflush(stdout) != 0)
		die(RM_EXIT_SYSTEM, "unable to write standard output");
	if (!all)
		diex(RM_EXIT_REFUSED, "an algorithm does not work as it must");
	rm_die_done();
}
