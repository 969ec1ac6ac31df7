/* SPDX-License-Identifier: ISC */
/* The mechanisms that a mode file can name: constants of PKCS#11, by number. */
#include "rm_mech.h"

#include <string.h>

#define NONE	RM_MECH_UNIT_NONE
#define BITS	RM_MECH_UNIT_BITS
#define BYTES	RM_MECH_UNIT_BYTES
#define NO_HASH	RM_MECH_HASH_NONE
#define PARAM	RM_MECH_HASH_PARAM
#define INFO	RM_MECH_HASH_INFO
#define DATA	RM_MECH_HASH_DATA

static const struct rm_mech table[] = {
	{ "CKM_RSA_PKCS_KEY_PAIR_GEN", 0x0000, BITS, NO_HASH },
	{ "CKM_RSA_PKCS", 0x0001, BITS, INFO },
	{ "CKM_RSA_X_509", 0x0003, BITS, NO_HASH },
	{ "CKM_MD5_RSA_PKCS", 0x0005, BITS, NO_HASH },
	{ "CKM_SHA1_RSA_PKCS", 0x0006, BITS, NO_HASH },
	{ "CKM_RSA_PKCS_OAEP", 0x0009, BITS, PARAM },
	{ "CKM_RSA_PKCS_PSS", 0x000d, BITS, PARAM },
	{ "CKM_SHA1_RSA_PKCS_PSS", 0x000e, BITS, PARAM },
	{ "CKM_DSA_KEY_PAIR_GEN", 0x0010, BITS, NO_HASH },
	{ "CKM_DSA", 0x0011, BITS, DATA },
	{ "CKM_DSA_SHA1", 0x0012, BITS, NO_HASH },
	{ "CKM_DSA_SHA224", 0x0013, BITS, NO_HASH },
	{ "CKM_DSA_SHA256", 0x0014, BITS, NO_HASH },
	{ "CKM_DSA_SHA384", 0x0015, BITS, NO_HASH },
	{ "CKM_DSA_SHA512", 0x0016, BITS, NO_HASH },
	{ "CKM_DH_PKCS_KEY_PAIR_GEN", 0x0020, BITS, NO_HASH },
	{ "CKM_DH_PKCS_DERIVE", 0x0021, BITS, NO_HASH },
	{ "CKM_X9_42_DH_DERIVE", 0x0031, BITS, NO_HASH },
	{ "CKM_SHA256_RSA_PKCS", 0x0040, BITS, NO_HASH },
	{ "CKM_SHA384_RSA_PKCS", 0x0041, BITS, NO_HASH },
	{ "CKM_SHA512_RSA_PKCS", 0x0042, BITS, NO_HASH },
	{ "CKM_SHA256_RSA_PKCS_PSS", 0x0043, BITS, PARAM },
	{ "CKM_SHA384_RSA_PKCS_PSS", 0x0044, BITS, PARAM },
	{ "CKM_SHA512_RSA_PKCS_PSS", 0x0045, BITS, PARAM },
	{ "CKM_SHA224_RSA_PKCS", 0x0046, BITS, NO_HASH },
	{ "CKM_SHA224_RSA_PKCS_PSS", 0x0047, BITS, PARAM },
	{ "CKM_SHA512_224", 0x0048, NONE, NO_HASH },
	{ "CKM_SHA512_224_HMAC", 0x0049, BYTES, NO_HASH },
	{ "CKM_SHA512_224_HMAC_GENERAL", 0x004a, BYTES, NO_HASH },
	{ "CKM_SHA512_256", 0x004c, NONE, NO_HASH },
	{ "CKM_SHA512_256_HMAC", 0x004d, BYTES, NO_HASH },
	{ "CKM_SHA512_256_HMAC_GENERAL", 0x004e, BYTES, NO_HASH },
	{ "CKM_DES_KEY_GEN", 0x0120, NONE, NO_HASH },
	{ "CKM_DES_ECB", 0x0121, NONE, NO_HASH },
	{ "CKM_DES_CBC", 0x0122, NONE, NO_HASH },
	{ "CKM_DES_CBC_PAD", 0x0125, NONE, NO_HASH },
	{ "CKM_DES2_KEY_GEN", 0x0130, NONE, NO_HASH },
	{ "CKM_DES3_KEY_GEN", 0x0131, NONE, NO_HASH },
	{ "CKM_DES3_ECB", 0x0132, NONE, NO_HASH },
	{ "CKM_DES3_CBC", 0x0133, NONE, NO_HASH },
	{ "CKM_DES3_CBC_PAD", 0x0136, NONE, NO_HASH },
	{ "CKM_DES3_CMAC_GENERAL", 0x0137, NONE, NO_HASH },
	{ "CKM_DES3_CMAC", 0x0138, NONE, NO_HASH },
	{ "CKM_MD5", 0x0210, NONE, NO_HASH },
	{ "CKM_MD5_HMAC", 0x0211, BYTES, NO_HASH },
	{ "CKM_MD5_HMAC_GENERAL", 0x0212, BYTES, NO_HASH },
	{ "CKM_SHA_1", 0x0220, NONE, NO_HASH },
	{ "CKM_SHA_1_HMAC", 0x0221, BYTES, NO_HASH },
	{ "CKM_SHA_1_HMAC_GENERAL", 0x0222, BYTES, NO_HASH },
	{ "CKM_SHA256", 0x0250, NONE, NO_HASH },
	{ "CKM_SHA256_HMAC", 0x0251, BYTES, NO_HASH },
	{ "CKM_SHA256_HMAC_GENERAL", 0x0252, BYTES, NO_HASH },
	{ "CKM_SHA224", 0x0255, NONE, NO_HASH },
	{ "CKM_SHA224_HMAC", 0x0256, BYTES, NO_HASH },
	{ "CKM_SHA224_HMAC_GENERAL", 0x0257, BYTES, NO_HASH },
	{ "CKM_SHA384", 0x0260, NONE, NO_HASH },
	{ "CKM_SHA384_HMAC", 0x0261, BYTES, NO_HASH },
	{ "CKM_SHA384_HMAC_GENERAL", 0x0262, BYTES, NO_HASH },
	{ "CKM_SHA512", 0x0270, NONE, NO_HASH },
	{ "CKM_SHA512_HMAC", 0x0271, BYTES, NO_HASH },
	{ "CKM_SHA512_HMAC_GENERAL", 0x0272, BYTES, NO_HASH },
	{ "CKM_SHA3_256", 0x02b0, NONE, NO_HASH },
	{ "CKM_SHA3_256_HMAC", 0x02b1, BYTES, NO_HASH },
	{ "CKM_SHA3_224", 0x02b5, NONE, NO_HASH },
	{ "CKM_SHA3_224_HMAC", 0x02b6, BYTES, NO_HASH },
	{ "CKM_SHA3_384", 0x02c0, NONE, NO_HASH },
	{ "CKM_SHA3_384_HMAC", 0x02c1, BYTES, NO_HASH },
	{ "CKM_SHA3_512", 0x02d0, NONE, NO_HASH },
	{ "CKM_SHA3_512_HMAC", 0x02d1, BYTES, NO_HASH },
	{ "CKM_GENERIC_SECRET_KEY_GEN", 0x0350, BYTES, NO_HASH },
	{ "CKM_EC_KEY_PAIR_GEN", 0x1040, BITS, NO_HASH },
	{ "CKM_ECDSA", 0x1041, BITS, DATA },
	{ "CKM_ECDSA_SHA1", 0x1042, BITS, NO_HASH },
	{ "CKM_ECDSA_SHA224", 0x1043, BITS, NO_HASH },
	{ "CKM_ECDSA_SHA256", 0x1044, BITS, NO_HASH },
	{ "CKM_ECDSA_SHA384", 0x1045, BITS, NO_HASH },
	{ "CKM_ECDSA_SHA512", 0x1046, BITS, NO_HASH },
	{ "CKM_ECDH1_DERIVE", 0x1050, BITS, NO_HASH },
	{ "CKM_ECDH1_COFACTOR_DERIVE", 0x1051, BITS, NO_HASH },
	{ "CKM_EC_EDWARDS_KEY_PAIR_GEN", 0x1055, BITS, NO_HASH },
	{ "CKM_EC_MONTGOMERY_KEY_PAIR_GEN", 0x1056, BITS, NO_HASH },
	{ "CKM_EDDSA", 0x1057, BITS, NO_HASH },
	{ "CKM_AES_XTS", 0x1071, BYTES, NO_HASH },
	{ "CKM_AES_XTS_KEY_GEN", 0x1072, BYTES, NO_HASH },
	{ "CKM_AES_KEY_GEN", 0x1080, BYTES, NO_HASH },
	{ "CKM_AES_ECB", 0x1081, BYTES, NO_HASH },
	{ "CKM_AES_CBC", 0x1082, BYTES, NO_HASH },
	{ "CKM_AES_MAC", 0x1083, BYTES, NO_HASH },
	{ "CKM_AES_MAC_GENERAL", 0x1084, BYTES, NO_HASH },
	{ "CKM_AES_CBC_PAD", 0x1085, BYTES, NO_HASH },
	{ "CKM_AES_CTR", 0x1086, BYTES, NO_HASH },
	{ "CKM_AES_GCM", 0x1087, BYTES, NO_HASH },
	{ "CKM_AES_CCM", 0x1088, BYTES, NO_HASH },
	{ "CKM_AES_CMAC", 0x108a, BYTES, NO_HASH },
	{ "CKM_AES_CMAC_GENERAL", 0x108b, BYTES, NO_HASH },
	{ "CKM_AES_GMAC", 0x108e, BYTES, NO_HASH },
	{ "CKM_DES_ECB_ENCRYPT_DATA", 0x1100, NONE, NO_HASH },
	{ "CKM_DES_CBC_ENCRYPT_DATA", 0x1101, NONE, NO_HASH },
	{ "CKM_DES3_ECB_ENCRYPT_DATA", 0x1102, NONE, NO_HASH },
	{ "CKM_DES3_CBC_ENCRYPT_DATA", 0x1103, NONE, NO_HASH },
	{ "CKM_AES_ECB_ENCRYPT_DATA", 0x1104, BYTES, NO_HASH },
	{ "CKM_AES_CBC_ENCRYPT_DATA", 0x1105, BYTES, NO_HASH },
	{ "CKM_DSA_PARAMETER_GEN", 0x2000, BITS, NO_HASH },
	{ "CKM_DH_PKCS_PARAMETER_GEN", 0x2001, BITS, NO_HASH },
	{ "CKM_X9_42_DH_PARAMETER_GEN", 0x2002, BITS, NO_HASH },
	{ "CKM_AES_KEY_WRAP", 0x2109, BYTES, NO_HASH },
	{ "CKM_AES_KEY_WRAP_PAD", 0x210a, BYTES, NO_HASH },
	{ "CKM_AES_KEY_WRAP_KWP", 0x210b, BYTES, NO_HASH },
};

#define TABLE	(sizeof(table) / sizeof(table[0]))

/* SHA-2 and SHA-3 stand next to each other below one arc of NIST's. */
#define NIST(last)	11, "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" last

static const struct rm_mech_digest digests[] = {
	{ 0x0210, 0, 16, 10, "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05" },
	{ 0x0220, 1, 20, 7, "\x06\x05\x2b\x0e\x03\x02\x1a" },
	{ 0x0255, 5, 28, NIST("\x04") }, { 0x0250, 2, 32, NIST("\x01") },
	{ 0x0260, 3, 48, NIST("\x02") }, { 0x0270, 4, 64, NIST("\x03") },
	{ 0x0048, 0, 28, NIST("\x05") }, { 0x004c, 0, 32, NIST("\x06") },
	{ 0x02b5, 6, 28, NIST("\x07") }, { 0x02b0, 7, 32, NIST("\x08") },
	{ 0x02c0, 8, 48, NIST("\x09") }, { 0x02d0, 9, 64, NIST("\x0a") },
};

#define DIGESTS	(sizeof(digests) / sizeof(digests[0]))

const struct rm_mech *
rm_mech_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < TABLE; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const struct rm_mech *
rm_mech_by_number(unsigned long number)
{
	size_t i;

	for (i = 0; i < TABLE; i++)
		if (table[i].number == number)
			return &table[i];
	return NULL;
}

const struct rm_mech_digest *
rm_mech_digest(unsigned long number)
{
	size_t i;

	for (i = 0; i < DIGESTS; i++)
		if (digests[i].number == number)
			return &digests[i];
	return NULL;
}

bool
rm_mech_is_digest(const struct rm_mech_digest *digest, enum rm_mech_hash kind,
    const uint8_t *data, size_t len)
{
	uint8_t head[32];
	size_t n = digest->oid_len;

	if (kind == RM_MECH_HASH_DATA)
		return len == digest->len;
	/* SEQUENCE { SEQUENCE { oid, NULL }, OCTET STRING } (RFC 8017, 9.2) */
	head[0] = 0x30;
	head[1] = (uint8_t)(n + 6 + digest->len);
	head[2] = 0x30;
	head[3] = (uint8_t)(n + 2);
	memcpy(head + 4, digest->oid, n);
	memcpy(head + 4 + n, "\x05\x00\x04", 3);
	head[7 + n] = digest->len;
	return len == n + 8 + digest->len && memcmp(data, head, n + 8) == 0;
}
