/* SPDX-License-Identifier: ISC */
/*
 * probe-matrix: one row for each mechanism that SoftHSM has: what the module
 * in its way lets through, call by call.  A row is
 *
 *	CKM_MD5 list=yes info=OK digest=OK sign=MECHANISM_INVALID ...
 *
 * It only tells: two rows beside each other, of the engine alone and through
 * the gate, are the test.  Keys are of approved sizes.
 * probe-matrix MODULE PIN
 */
#include <stdio.h>
#include <string.h>

#include "p11.h"

/* Domain parameters of DSA, 1024 bits; the prime serves DH as well. */
static CK_BYTE dsa_prime[] = {
	0x90, 0xd7, 0x76, 0xa6, 0x30, 0x5f, 0xe4, 0x25, 0x22, 0x8a, 0x9f,
	0xbd, 0x3c, 0x25, 0x8a, 0x36, 0x74, 0xb7, 0xfd, 0xdc, 0x0c, 0xf0,
	0x7f, 0xc0, 0xe6, 0x3c, 0x70, 0x5c, 0x0d, 0xd1, 0xf3, 0xa9, 0x21,
	0xce, 0xe6, 0xc1, 0xb5, 0x2a, 0x07, 0x08, 0x66, 0x8d, 0x67, 0x83,
	0x24, 0xf7, 0x8e, 0x68, 0x35, 0xb2, 0xe2, 0xcf, 0x5b, 0x35, 0xc8,
	0xc2, 0xb9, 0x34, 0xdd, 0x84, 0x6b, 0xca, 0xba, 0xdd, 0x11, 0x67,
	0xcd, 0xb8, 0xd4, 0x35, 0x11, 0xef, 0x57, 0xd4, 0x7d, 0x64, 0xf5,
	0x7c, 0xaa, 0x5c, 0xa5, 0x05, 0xdc, 0x75, 0x71, 0x7f, 0xd5, 0x38,
	0xa4, 0x0b, 0xd2, 0x50, 0x9c, 0x7d, 0x13, 0x5b, 0x21, 0x3f, 0x5a,
	0xdf, 0x23, 0xa8, 0x5c, 0x46, 0xc1, 0x71, 0xa3, 0x31, 0x05, 0x95,
	0xe7, 0x36, 0x78, 0xa0, 0x99, 0x7b, 0x4a, 0xc2, 0xcb, 0xf4, 0x2e,
	0x64, 0xc4, 0xcb, 0x06, 0x75, 0x49, 0x3b,
};
static CK_BYTE dsa_subprime[] = {
	0xaf, 0xee, 0x75, 0x47, 0x24, 0x3e, 0xcb, 0x13, 0xc4, 0x6e, 0xf8,
	0x80, 0x72, 0xd2, 0xe8, 0x61, 0xcd, 0x3f, 0xdc, 0x33, 0xb6, 0xb5,
	0x4a, 0xcc, 0x93, 0x15, 0xfe, 0x85,
};
static CK_BYTE dsa_base[] = {
	0x56, 0x17, 0xd6, 0x29, 0x9d, 0x0f, 0xcd, 0x14, 0xb9, 0x51, 0x4f,
	0x1c, 0x61, 0x85, 0xb9, 0x23, 0x45, 0xde, 0xe7, 0x6a, 0xab, 0xa5,
	0x72, 0x26, 0x54, 0x6a, 0x3e, 0xff, 0x56, 0xe4, 0x16, 0x47, 0x9c,
	0x61, 0x96, 0xa6, 0xd3, 0x76, 0xe3, 0x5e, 0x64, 0x7e, 0x3a, 0xbd,
	0x41, 0x95, 0x3a, 0x8a, 0x41, 0xe4, 0x9a, 0x6f, 0x8f, 0x47, 0x86,
	0x77, 0x4e, 0x1c, 0x36, 0x96, 0x9c, 0x12, 0x5b, 0xd5, 0x66, 0x1c,
	0x82, 0x5e, 0x44, 0x75, 0x5a, 0x7c, 0xe2, 0x93, 0x71, 0x91, 0xc1,
	0xe0, 0x24, 0xe3, 0x78, 0xf2, 0xd0, 0x0a, 0x66, 0x14, 0x60, 0x5b,
	0x80, 0x67, 0xde, 0x54, 0xb9, 0x7d, 0x3e, 0x81, 0x8f, 0xd4, 0xe6,
	0x71, 0xea, 0x4d, 0xc5, 0x0e, 0xd7, 0x04, 0xc9, 0x50, 0xab, 0x9c,
	0xa5, 0x98, 0x98, 0xea, 0xdd, 0xbc, 0x7d, 0x69, 0x6a, 0xb2, 0x3b,
	0x4b, 0x1b, 0x8a, 0x52, 0xec, 0x6e, 0xa5,
};

enum key { NO_KEY, RSA, EC, EDWARDS, DSA, DH, AES, DES, DES3, GENERIC };
enum param { NONE, IV8, IV16, CTR, GCM, OAEP, PSS, ECDH, DHPUB, TEXT, CBC8,
	CBC16 };

static const struct row {
	const char *name;
	CK_MECHANISM_TYPE type;
	enum key key;
	enum param param;
	CK_MECHANISM_TYPE hash;		/* in the parameter */
} rows[] = {
#define ROW(n, ...)	{ #n, n, __VA_ARGS__ }
	ROW(CKM_RSA_PKCS_KEY_PAIR_GEN, RSA, NONE, 0),
	ROW(CKM_RSA_PKCS, RSA, NONE, 0),
	ROW(CKM_RSA_X_509, RSA, NONE, 0),
	ROW(CKM_MD5_RSA_PKCS, RSA, NONE, 0),
	ROW(CKM_SHA1_RSA_PKCS, RSA, NONE, 0),
	ROW(CKM_RSA_PKCS_OAEP, RSA, OAEP, CKM_SHA_1),
	ROW(CKM_RSA_PKCS_PSS, RSA, PSS, CKM_SHA256),
	ROW(CKM_SHA1_RSA_PKCS_PSS, RSA, PSS, CKM_SHA_1),
	ROW(CKM_DSA_KEY_PAIR_GEN, DSA, NONE, 0),
	ROW(CKM_DSA, DSA, NONE, 0),
	ROW(CKM_DSA_SHA1, DSA, NONE, 0),
	ROW(CKM_DSA_SHA224, DSA, NONE, 0),
	ROW(CKM_DSA_SHA256, DSA, NONE, 0),
	ROW(CKM_DSA_SHA384, DSA, NONE, 0),
	ROW(CKM_DSA_SHA512, DSA, NONE, 0),
	ROW(CKM_DH_PKCS_KEY_PAIR_GEN, DH, NONE, 0),
	ROW(CKM_DH_PKCS_DERIVE, DH, DHPUB, 0),
	ROW(CKM_SHA256_RSA_PKCS, RSA, NONE, 0),
	ROW(CKM_SHA384_RSA_PKCS, RSA, NONE, 0),
	ROW(CKM_SHA512_RSA_PKCS, RSA, NONE, 0),
	ROW(CKM_SHA256_RSA_PKCS_PSS, RSA, PSS, CKM_SHA256),
	ROW(CKM_SHA384_RSA_PKCS_PSS, RSA, PSS, CKM_SHA384),
	ROW(CKM_SHA512_RSA_PKCS_PSS, RSA, PSS, CKM_SHA512),
	ROW(CKM_SHA224_RSA_PKCS, RSA, NONE, 0),
	ROW(CKM_SHA224_RSA_PKCS_PSS, RSA, PSS, CKM_SHA224),
	ROW(CKM_DES_KEY_GEN, DES, NONE, 0),
	ROW(CKM_DES_ECB, DES, NONE, 0),
	ROW(CKM_DES_CBC, DES, IV8, 0),
	ROW(CKM_DES_CBC_PAD, DES, IV8, 0),
	ROW(CKM_DES2_KEY_GEN, DES3, NONE, 0),
	ROW(CKM_DES3_KEY_GEN, DES3, NONE, 0),
	ROW(CKM_DES3_ECB, DES3, NONE, 0),
	ROW(CKM_DES3_CBC, DES3, IV8, 0),
	ROW(CKM_DES3_CBC_PAD, DES3, IV8, 0),
	ROW(CKM_DES3_CMAC, DES3, NONE, 0),
	ROW(CKM_MD5, NO_KEY, NONE, 0),
	ROW(CKM_MD5_HMAC, GENERIC, NONE, 0),
	ROW(CKM_SHA_1, NO_KEY, NONE, 0),
	ROW(CKM_SHA_1_HMAC, GENERIC, NONE, 0),
	ROW(CKM_SHA256, NO_KEY, NONE, 0),
	ROW(CKM_SHA256_HMAC, GENERIC, NONE, 0),
	ROW(CKM_SHA224, NO_KEY, NONE, 0),
	ROW(CKM_SHA224_HMAC, GENERIC, NONE, 0),
	ROW(CKM_SHA384, NO_KEY, NONE, 0),
	ROW(CKM_SHA384_HMAC, GENERIC, NONE, 0),
	ROW(CKM_SHA512, NO_KEY, NONE, 0),
	ROW(CKM_SHA512_HMAC, GENERIC, NONE, 0),
	ROW(CKM_GENERIC_SECRET_KEY_GEN, GENERIC, NONE, 0),
	ROW(CKM_EC_KEY_PAIR_GEN, EC, NONE, 0),
	ROW(CKM_ECDSA, EC, NONE, 0),
	ROW(CKM_ECDH1_DERIVE, EC, ECDH, 0),
	ROW(CKM_EC_EDWARDS_KEY_PAIR_GEN, EDWARDS, NONE, 0),
	ROW(CKM_EDDSA, EDWARDS, NONE, 0),
	ROW(CKM_AES_KEY_GEN, AES, NONE, 0),
	ROW(CKM_AES_ECB, AES, NONE, 0),
	ROW(CKM_AES_CBC, AES, IV16, 0),
	ROW(CKM_AES_CBC_PAD, AES, IV16, 0),
	ROW(CKM_AES_CTR, AES, CTR, 0),
	ROW(CKM_AES_GCM, AES, GCM, 0),
	ROW(CKM_AES_CMAC, AES, NONE, 0),
	ROW(CKM_DES_ECB_ENCRYPT_DATA, DES, TEXT, 0),
	ROW(CKM_DES_CBC_ENCRYPT_DATA, DES, CBC8, 0),
	ROW(CKM_DES3_ECB_ENCRYPT_DATA, DES3, TEXT, 0),
	ROW(CKM_DES3_CBC_ENCRYPT_DATA, DES3, CBC8, 0),
	ROW(CKM_AES_ECB_ENCRYPT_DATA, AES, TEXT, 0),
	ROW(CKM_AES_CBC_ENCRYPT_DATA, AES, CBC16, 0),
	ROW(CKM_DSA_PARAMETER_GEN, DSA, NONE, 0),
	ROW(CKM_DH_PKCS_PARAMETER_GEN, DH, NONE, 0),
	ROW(CKM_AES_KEY_WRAP, AES, NONE, 0),
	ROW(CKM_AES_KEY_WRAP_PAD, AES, NONE, 0),
};

#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static CK_FUNCTION_LIST_PTR p11;
static CK_SLOT_ID slot;
static CK_OBJECT_HANDLE public[GENERIC + 1], private[GENERIC + 1], target;
static CK_BYTE point[256];
static CK_ULONG point_len;

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static CK_RV
pair(CK_SESSION_HANDLE session, enum key key, CK_MECHANISM_TYPE generator,
    CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	CK_MECHANISM mechanism = { generator, NULL, 0 };
	CK_BYTE two[] = { 2 }, ed25519[] = "\x06\x03\x2b\x65\x70";
	CK_ATTRIBUTE a[] = {
		{ CKA_TOKEN, &no, 1 },
		{ CKA_PRIME, dsa_prime, sizeof(dsa_prime) },
		{ CKA_BASE, key == DH ? two : dsa_base,
		    key == DH ? sizeof(two) : sizeof(dsa_base) },
		{ CKA_SUBPRIME, dsa_subprime, sizeof(dsa_subprime) },
	};
	CK_ATTRIBUTE ed[] = {
		{ CKA_TOKEN, &no, 1 },
		{ CKA_EC_PARAMS, ed25519, sizeof(ed25519) - 1 },
	};
	CK_ATTRIBUTE secret[] = {
		{ CKA_TOKEN, &no, 1 }, { CKA_SIGN, &yes, 1 },
		{ CKA_DERIVE, &yes, 1 },
	};

	return p11->C_GenerateKeyPair(session, &mechanism,
	    key == EDWARDS ? ed : a, key == EDWARDS ? 2 : key == DH ? 3 : 4,
	    secret, 3, ret_public, ret_private);
}

static void
make_keys(CK_SESSION_HANDLE session)
{
	CK_ATTRIBUTE a = { CKA_EC_POINT, point, sizeof(point) };
	enum key k;

	p11_must(p11_pair(p11, session, 2048, false, &public[RSA],
	    &private[RSA]), "RSA key");
	p11_must(p11_pair(p11, session, 0, false, &public[EC],
	    &private[EC]), "EC key");
	p11_must(p11_secret(p11, session, CKM_AES_KEY_GEN, 32,
	    &private[AES]), "AES key");
	p11_must(p11_secret(p11, session, CKM_AES_KEY_GEN, 16, &target),
	    "AES key");
	p11_must(p11_secret(p11, session, CKM_GENERIC_SECRET_KEY_GEN, 64,
	    &private[GENERIC]), "secret key");
	/* What is refused leaves no key; its row says so. */
	(void)p11_secret(p11, session, CKM_DES_KEY_GEN, 0, &private[DES]);
	(void)p11_secret(p11, session, CKM_DES3_KEY_GEN, 0, &private[DES3]);
	(void)pair(session, EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN,
	    &public[EDWARDS], &private[EDWARDS]);
	(void)pair(session, DSA, CKM_DSA_KEY_PAIR_GEN, &public[DSA],
	    &private[DSA]);
	(void)pair(session, DH, CKM_DH_PKCS_KEY_PAIR_GEN, &public[DH],
	    &private[DH]);
	for (k = AES; k <= GENERIC; k++)
		public[k] = private[k];
	if (p11->C_GetAttributeValue(session, public[EC], &a, 1) == CKR_OK)
		point_len = a.ulValueLen;
}

#define PARAM(m, what)	((m)->pParameter = &(what), \
			    (m)->ulParameterLen = sizeof(what))

static void
derive_param(CK_MECHANISM *m, enum param param)
{
	static CK_BYTE text[16], dh[] = { 2, 3, 4, 5 };
	static struct ck_ecdh1_derive_params {
		CK_ULONG kdf, shared_len;
		CK_BYTE *shared;
		CK_ULONG public_len;
		CK_BYTE *public;
	} ecdh = { .kdf = CKD_NULL, .public = point };
	static struct { CK_BYTE *data; CK_ULONG len; } string = { text, 16 };
	static struct { CK_BYTE iv[8]; CK_BYTE *data; CK_ULONG len; } cbc8 = {
		.data = text, .len = 16 };
	static struct { CK_BYTE iv[16]; CK_BYTE *data; CK_ULONG len; } cbc16 =
	    { .data = text, .len = 16 };

	ecdh.public_len = point_len;
	if (param == ECDH)
		PARAM(m, ecdh);
	else if (param == DHPUB)
		PARAM(m, dh);
	else if (param == TEXT)
		PARAM(m, string);
	else if (param == CBC8)
		PARAM(m, cbc8);
	else if (param == CBC16)
		PARAM(m, cbc16);
}

static CK_ULONG
mgf(CK_MECHANISM_TYPE hash)
{
	return hash == CKM_SHA_1 ? CKG_MGF1_SHA1 :
	    hash == CKM_SHA224 ? CKG_MGF1_SHA224 :
	    hash == CKM_SHA256 ? CKG_MGF1_SHA256 :
	    hash == CKM_SHA384 ? CKG_MGF1_SHA384 : CKG_MGF1_SHA512;
}

static CK_MECHANISM
mechanism(const struct row *row)
{
	static CK_BYTE iv8[8], iv16[16];
	static CK_RSA_PKCS_PSS_PARAMS pss;
	static CK_RSA_PKCS_OAEP_PARAMS oaep;
	static struct ck_aes_ctr_params ctr = { .counter_bits = 32 };
	static struct ck_gcm_params gcm = { .iv_ptr = iv16, .iv_len = 12,
		.iv_bits = 96, .tag_bits = 128 };
	CK_MECHANISM m = { row->type, NULL, 0 };

	if (row->param == IV8)
		PARAM(&m, iv8);
	else if (row->param == IV16)
		PARAM(&m, iv16);
	else if (row->param == CTR)
		PARAM(&m, ctr);
	else if (row->param == GCM)
		PARAM(&m, gcm);
	else if (row->param == OAEP)
		PARAM(&m, oaep);
	else if (row->param == PSS)
		PARAM(&m, pss);
	else
		derive_param(&m, row->param);
	oaep = (CK_RSA_PKCS_OAEP_PARAMS){ .hashAlg = row->hash,
		.mgf = mgf(row->hash), .source = 1 };
	pss = (CK_RSA_PKCS_PSS_PARAMS){ .hashAlg = row->hash,
		.mgf = mgf(row->hash), .sLen = 20 };
	return m;
}

static CK_RV
generate(CK_SESSION_HANDLE s, const struct row *row, CK_MECHANISM *m)
{
	CK_ULONG len = 32, bits = 512;
	CK_ATTRIBUTE secret[] = {
		{ CKA_TOKEN, &no, 1 }, { CKA_VALUE_LEN, &len, sizeof(len) },
	};
	CK_ATTRIBUTE domain[] = {
		{ CKA_TOKEN, &no, 1 }, { CKA_PRIME_BITS, &bits, sizeof(bits) },
	};
	CK_OBJECT_HANDLE key;
	bool params = row->type == CKM_DSA_PARAMETER_GEN ||
	    row->type == CKM_DH_PKCS_PARAMETER_GEN;

	return p11->C_GenerateKey(s, m, params ? domain : secret,
	    row->key == DES || row->key == DES3 ? 1 : 2, &key);
}

static CK_RV
generate_pair(CK_SESSION_HANDLE s, const struct row *row, CK_MECHANISM *m)
{
	CK_BYTE curve[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
	CK_ATTRIBUTE a[] = {
		{ CKA_TOKEN, &no, 1 },
		{ CKA_EC_PARAMS, curve, sizeof(curve) - 1 },
	};
	CK_OBJECT_HANDLE one = 0, two = 0;

	if (row->type == CKM_RSA_PKCS_KEY_PAIR_GEN)
		return p11_pair(p11, s, 2048, false, &one, &two);
	if (row->type == CKM_DSA_KEY_PAIR_GEN ||
	    row->type == CKM_DH_PKCS_KEY_PAIR_GEN ||
	    row->type == CKM_EC_EDWARDS_KEY_PAIR_GEN)
		return pair(s, row->key, row->type, &one, &two);
	return p11->C_GenerateKeyPair(s, m, a, 2, a, 1, &one, &two);
}

static CK_RV
unwrap(CK_SESSION_HANDLE s, const struct row *row, CK_MECHANISM *m)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &no, 1 },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
	};
	CK_BYTE wrapped[P11_BYTES] = { 0 };
	CK_ULONG len = sizeof(wrapped);
	CK_OBJECT_HANDLE key;

	if (p11->C_WrapKey(s, m, public[row->key], target, wrapped, &len) !=
	    CKR_OK)
		len = row->key == RSA ? 256 : 24;
	return p11->C_UnwrapKey(s, m, private[row->key], wrapped, len, a, 3,
	    &key);
}

static CK_RV
derive(CK_SESSION_HANDLE s, const struct row *row, CK_MECHANISM *m)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ULONG len = 16;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &no, 1 },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
	};
	CK_OBJECT_HANDLE key;

	return p11->C_DeriveKey(s, m, private[row->key], a, 4, &key);
}

enum call { DIGEST, SIGN, VERIFY, RECOVER, VERIFY_RECOVER, ENCRYPT, DECRYPT,
	GENERATE, PAIR, WRAP, UNWRAP, DERIVE, CALLS };

static CK_RV
try(const struct row *row, enum call call)
{
	CK_MECHANISM m = mechanism(row);
	CK_SESSION_HANDLE s = p11_session(p11, slot, NULL);
	CK_OBJECT_HANDLE pub = public[row->key], priv = private[row->key];
	CK_BYTE out[P11_BYTES];
	CK_ULONG len = sizeof(out);
	CK_RV rv = CKR_OK;

	switch (call) {
	case DIGEST: rv = p11->C_DigestInit(s, &m); break;
	case SIGN: rv = p11->C_SignInit(s, &m, priv); break;
	case VERIFY: rv = p11->C_VerifyInit(s, &m, pub); break;
	case RECOVER: rv = p11->C_SignRecoverInit(s, &m, priv); break;
	case VERIFY_RECOVER: rv = p11->C_VerifyRecoverInit(s, &m, pub); break;
	case ENCRYPT: rv = p11->C_EncryptInit(s, &m, pub); break;
	case DECRYPT: rv = p11->C_DecryptInit(s, &m, priv); break;
	case GENERATE: rv = generate(s, row, &m); break;
	case PAIR: rv = generate_pair(s, row, &m); break;
	case WRAP:
		rv = p11->C_WrapKey(s, &m, pub, target, out, &len);
		break;
	case UNWRAP: rv = unwrap(s, row, &m); break;
	case DERIVE: rv = derive(s, row, &m); break;
	case CALLS: break;
	}
	(void)p11->C_CloseSession(s);
	return rv;
}

static bool
is_listed(const CK_MECHANISM_TYPE *list, CK_ULONG n, CK_MECHANISM_TYPE type)
{
	CK_ULONG i;

	for (i = 0; i < n; i++)
		if (list[i] == type)
			return true;
	return false;
}

int
main(int argc, char *argv[])
{
	static const char *const names[] = { "digest", "sign", "verify",
		"sign-recover", "verify-recover", "encrypt", "decrypt",
		"generate", "generate-pair", "wrap", "unwrap", "derive" };
	CK_MECHANISM_TYPE list[512];
	CK_ULONG n = 512, known = 0;
	CK_MECHANISM_INFO info;
	enum call call;
	size_t i;

	if (argc != 3)
		return 100;
	p11 = p11_open(argv[1]);
	slot = p11_slot(p11);
	make_keys(p11_session(p11, slot, argv[2]));
	p11_must(p11->C_GetMechanismList(slot, list, &n),
	    "C_GetMechanismList");
	for (i = 0; i < ROWS; i++) {
		if (is_listed(list, n, rows[i].type))
			known++;
		(void)printf("%s list=%s info=%s", rows[i].name,
		    is_listed(list, n, rows[i].type) ? "yes" : "no",
		    p11_name(p11->C_GetMechanismInfo(slot, rows[i].type,
		    &info)));
		for (call = DIGEST; call < CALLS; call++)
			(void)printf(" %s=%s", names[call],
			    p11_name(try(&rows[i], call)));
		(void)printf("\n");
	}
	(void)p11->C_Finalize(NULL);
	if (known != n)
		(void)fprintf(stderr, "%lu mechanisms have no row\n",
		    n - known);
	return known == n ? 0 : 1;
}
