/* SPDX-License-Identifier: ISC */
/*
 * probe-rules: tries, in mode RM2, to get past the gate: what no well-behaved
 * client asks for.  TAP.
 * probe-rules MODULE PIN
 */
#include <stdio.h>
#include <string.h>

#include "p11.h"

#define SHA256_INFO	"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04" \
			"\x02\x01\x05\x00\x04\x20"
#define SHA1_INFO	"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00" \
			"\x04\x14"
#define DIGEST		"0123456789abcdef0123456789abcdef"

static CK_FUNCTION_LIST_PTR p11;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE rsa_public, rsa_private, ec_public, ec_private;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static int tests;

static void
is(CK_RV got, CK_RV want, const char *what)
{
	(void)printf("%sok %d - %s: %s\n", got == want ? "" : "not ", ++tests,
	    what, p11_name(got));
	(void)fflush(stdout);
}

static CK_RV
curve(const char *params, size_t len)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_BYTE copy[512];
	CK_ATTRIBUTE a[] = {
		{ CKA_TOKEN, &no, 1 }, { CKA_EC_PARAMS, copy, len },
	};
	CK_OBJECT_HANDLE one, two;

	memcpy(copy, params, len);
	return p11->C_GenerateKeyPair(session, &m, a, 2, a, 1, &one, &two);
}

static void
test_generate(void)
{
	/* prime192v1 spelled out begins so; no more is ever looked at. */
	static const char explicit[] = "\x30\x81\x97\x02\x01\x01\x30\x22";
	CK_MECHANISM m = { CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
	CK_ULONG big = 2048, small = 1024;
	CK_ATTRIBUTE twice[] = {
		{ CKA_MODULUS_BITS, &big, sizeof(big) },
		{ CKA_MODULUS_BITS, &small, sizeof(small) },
	};
	CK_ATTRIBUTE odd = { CKA_MODULUS_BITS, &small, 1 };
	CK_OBJECT_HANDLE one, two;

	is(p11_pair(p11, session, 1024, false, &one, &two),
	    CKR_KEY_SIZE_RANGE, "RSA-1024");
	is(p11_pair(p11, session, 2047, false, &one, &two),
	    CKR_KEY_SIZE_RANGE, "RSA-2047");
	is(p11->C_GenerateKeyPair(session, &m, twice, 2, NULL, 0, &one, &two),
	    CKR_TEMPLATE_INCONSISTENT, "two sizes");
	is(p11->C_GenerateKeyPair(session, &m, &odd, 1, NULL, 0, &one, &two),
	    CKR_ATTRIBUTE_VALUE_INVALID, "a size of one byte");
	is(curve("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x01", 10),
	    CKR_CURVE_NOT_SUPPORTED, "P-192");
	is(curve("\x06\x05\x2b\x81\x04\x00\x0a", 7),
	    CKR_CURVE_NOT_SUPPORTED, "secp256k1");
	is(curve(explicit, sizeof(explicit) - 1), CKR_CURVE_NOT_SUPPORTED,
	    "a curve that is spelled out");
	is(curve("\x06\x05\x2b\x81\x04\x00\x21", 7), CKR_OK, "P-224");
	m.mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN;
	is(p11->C_GenerateKeyPair(session, &m, NULL, 0, NULL, 0, &one, &two),
	    CKR_MECHANISM_INVALID, "Ed25519");
	is(p11->C_GenerateKeyPair(session, NULL, NULL, 0, NULL, 0, &one,
	    &two), CKR_ARGUMENTS_BAD, "no mechanism");
	is(p11_secret(p11, session, CKM_GENERIC_SECRET_KEY_GEN, 13, &one),
	    CKR_KEY_SIZE_RANGE, "a secret of 104 bits");
	is(p11_secret(p11, session, CKM_GENERIC_SECRET_KEY_GEN, 14, &one),
	    CKR_OK, "a secret of 112 bits");
	is(p11_secret(p11, session, CKM_DES3_KEY_GEN, 0, &one),
	    CKR_MECHANISM_INVALID, "DES3");
}

static CK_RV
create(CK_OBJECT_CLASS class, CK_KEY_TYPE type, CK_ATTRIBUTE_TYPE what,
    CK_ULONG bytes)
{
	CK_BYTE e[] = { 1, 0, 1 }, value[512], p192[] =
	    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x01";
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &no, 1 },
		{ what, value, bytes }, { CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_PUBLIC_EXPONENT, e, sizeof(e) },
	};
	CK_OBJECT_HANDLE object;

	memset(value, 0x85, sizeof(value));
	if (what == CKA_EC_PARAMS) {
		a[2].pValue = p192;
		a[2].ulValueLen = sizeof(p192) - 1;
	}
	return p11->C_CreateObject(session, a, class == CKO_DATA ? 3 :
	    type == CKK_RSA ? 5 : 4, &object);
}

static void
test_create(void)
{
	CK_ATTRIBUTE nothing = { CKA_TOKEN, &no, 1 };
	CK_OBJECT_HANDLE object;

	is(create(CKO_PUBLIC_KEY, CKK_RSA, CKA_MODULUS, 128),
	    CKR_KEY_SIZE_RANGE, "RSA-1024 handed in");
	is(create(CKO_PUBLIC_KEY, CKK_RSA, CKA_MODULUS, 256), CKR_OK,
	    "RSA-2048 handed in");
	is(create(CKO_PUBLIC_KEY, CKK_EC, CKA_EC_PARAMS, 0),
	    CKR_CURVE_NOT_SUPPORTED, "P-192 handed in");
	is(create(CKO_SECRET_KEY, CKK_DES, CKA_VALUE, 8),
	    CKR_ATTRIBUTE_VALUE_INVALID, "DES handed in");
	is(create(CKO_SECRET_KEY, CKK_BLOWFISH, CKA_VALUE, 16),
	    CKR_ATTRIBUTE_VALUE_INVALID, "Blowfish handed in");
	is(create(CKO_SECRET_KEY, CKK_GENERIC_SECRET, CKA_VALUE, 5),
	    CKR_KEY_SIZE_RANGE, "a secret of 40 bits handed in");
	is(create(CKO_SECRET_KEY, CKK_GENERIC_SECRET, CKA_VALUE, 32), CKR_OK,
	    "a secret of 256 bits handed in");
	is(create(CKO_SECRET_KEY, CKK_AES, CKA_VALUE, 16), CKR_OK,
	    "AES-128 handed in");
	is(create(CKO_DATA, 0, CKA_VALUE, 3), CKR_OK, "data is no key");
	is(p11->C_CreateObject(session, &nothing, 1, &object),
	    CKR_TEMPLATE_INCOMPLETE, "nobody knows what");
}

static CK_RV
sign_param(CK_MECHANISM_TYPE type, CK_MECHANISM_TYPE hash, CK_ULONG mgf)
{
	CK_RSA_PKCS_PSS_PARAMS pss = { hash, mgf, 20 };
	CK_MECHANISM m = { type, &pss, sizeof(pss) };
	CK_SESSION_HANDLE s = p11_session(p11, slot, NULL);
	CK_RV rv = p11->C_SignInit(s, &m, rsa_private);

	(void)p11->C_CloseSession(s);
	return rv;
}

static CK_RV
encrypt_param(CK_MECHANISM_TYPE hash, CK_ULONG mgf)
{
	CK_RSA_PKCS_OAEP_PARAMS oaep = { hash, mgf, 1, NULL, 0 };
	CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep) };
	CK_SESSION_HANDLE s = p11_session(p11, slot, NULL);
	CK_RV rv = p11->C_EncryptInit(s, &m, rsa_public);

	(void)p11->C_CloseSession(s);
	return rv;
}

static void
test_parameters(void)
{
	CK_MECHANISM m = { CKM_RSA_PKCS_PSS, NULL, 0 };
	CK_BYTE state[8] = { 0 };

	is(sign_param(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256), CKR_OK,
	    "PSS with SHA-256");
	is(sign_param(CKM_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1),
	    CKR_MECHANISM_PARAM_INVALID, "PSS with SHA-1");
	is(sign_param(CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA1),
	    CKR_MECHANISM_PARAM_INVALID, "PSS with a mask of SHA-1");
	is(sign_param(CKM_RSA_PKCS_PSS, CKM_MD5, 0),
	    CKR_MECHANISM_PARAM_INVALID, "PSS with MD5");
	is(sign_param(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1),
	    CKR_MECHANISM_PARAM_INVALID, "SHA-256 PSS that says SHA-1");
	is(p11->C_SignInit(session, &m, rsa_private),
	    CKR_MECHANISM_PARAM_INVALID, "PSS without a parameter");
	is(encrypt_param(CKM_SHA_1, CKG_MGF1_SHA1), CKR_OK,
	    "OAEP with SHA-1, which is not a signature");
	is(encrypt_param(CKM_MD5, 0), CKR_MECHANISM_PARAM_INVALID,
	    "OAEP with MD5");
	is(p11->C_SetOperationState(session, state, sizeof(state), 0, 0),
	    CKR_SAVED_STATE_INVALID, "a state from elsewhere");
}

/* One raw signature of text; the answer of C_Sign. */
static CK_RV
sign(CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key, const char *text,
    CK_ULONG len, CK_BYTE *ret, CK_ULONG *ret_len)
{
	CK_MECHANISM m = { type, NULL, 0 };
	CK_BYTE data[128];

	memcpy(data, text, len);
	p11_must(p11->C_SignInit(session, &m, key), "C_SignInit");
	return p11->C_Sign(session, data, len, ret, ret_len);
}

static void
test_hashes(void)
{
	CK_MECHANISM m = { CKM_RSA_PKCS, NULL, 0 };
	CK_BYTE out[512], sha1[] = SHA1_INFO "01234567890123456789",
	    good[] = SHA256_INFO DIGEST;
	CK_ULONG len = sizeof(out);

	is(sign(CKM_RSA_PKCS, rsa_private, SHA256_INFO DIGEST, 51, out, &len),
	    CKR_OK, "PKCS#1 of SHA-256");
	p11_must(p11->C_VerifyInit(session, &m, rsa_public), "C_VerifyInit");
	is(p11->C_Verify(session, good, 51, out, len), CKR_OK,
	    "it verifies");
	len = sizeof(out);
	is(sign(CKM_RSA_PKCS, rsa_private, SHA1_INFO DIGEST, 35, out, &len),
	    CKR_DATA_INVALID, "PKCS#1 of SHA-1");
	is(p11->C_Sign(session, sha1, 35, out, &len),
	    CKR_OPERATION_NOT_INITIALIZED, "and it is over");
	is(sign(CKM_RSA_PKCS, rsa_private, "hello", 5, out, &len),
	    CKR_DATA_INVALID, "PKCS#1 of a text");
	is(sign(CKM_RSA_PKCS, rsa_private, SHA256_INFO DIGEST "x", 52, out,
	    &len), CKR_DATA_INVALID, "PKCS#1 of SHA-256 and more");

	/* What ends nothing must not end the watch either. */
	len = 0;
	is(sign(CKM_RSA_PKCS, rsa_private, SHA1_INFO DIGEST, 35, NULL, &len),
	    CKR_OK, "the length of a signature");
	is(p11->C_Sign(session, NULL, 0, NULL, NULL), CKR_ARGUMENTS_BAD,
	    "a bad call between");
	len = sizeof(out);
	is(p11->C_Sign(session, sha1, 35, out, &len), CKR_DATA_INVALID,
	    "does not let SHA-1 in");

	p11_must(p11->C_SignInit(session, &m, rsa_private), "C_SignInit");
	is(p11->C_SignUpdate(session, good, 51), CKR_FUNCTION_NOT_SUPPORTED,
	    "PKCS#1 in parts");
	len = sizeof(out);
	is(p11->C_Sign(session, good, 51, out, &len), CKR_OK,
	    "and then as a whole");

	len = sizeof(out);
	is(sign(CKM_ECDSA, ec_private, DIGEST, 20, out, &len),
	    CKR_DATA_INVALID, "ECDSA of 20 bytes");
	len = sizeof(out);
	is(sign(CKM_ECDSA, ec_private, DIGEST, 32, out, &len), CKR_OK,
	    "ECDSA of 32 bytes");
	m.mechanism = CKM_SHA256_RSA_PKCS;
	p11_must(p11->C_SignInit(session, &m, rsa_private), "C_SignInit");
	len = sizeof(out);
	is(p11->C_Sign(session, sha1, 5, out, &len), CKR_OK,
	    "a mechanism that hashes takes any text");
}

static CK_RV
unwrap(CK_ULONG bytes, CK_BBOOL sensitive, CK_OBJECT_HANDLE *ret)
{
	CK_RSA_PKCS_OAEP_PARAMS oaep = { CKM_SHA_1, CKG_MGF1_SHA1, 1, NULL,
		0 };
	CK_MECHANISM m = { CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep) };
	CK_BYTE value[64], wrapped[512];
	CK_ULONG len = sizeof(wrapped);
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, 1 }, { CKA_SENSITIVE, &sensitive, 1 },
		{ CKA_SIGN, &yes, 1 },
	};

	memset(value, 0x42, sizeof(value));
	p11_must(p11->C_EncryptInit(session, &m, rsa_public), "EncryptInit");
	p11_must(p11->C_Encrypt(session, value, bytes, wrapped, &len),
	    "C_Encrypt");
	return p11->C_UnwrapKey(session, &m, rsa_private, wrapped, len, a, 5,
	    ret);
}

static CK_RV
derive(CK_ULONG bytes)
{
	CK_BYTE point[256];
	struct {
		CK_ULONG kdf, shared_len;
		CK_BYTE *shared;
		CK_ULONG public_len;
		CK_BYTE *public;
	} ecdh = { .kdf = CKD_NULL, .public = point };
	CK_MECHANISM m = { CKM_ECDH1_DERIVE, &ecdh, sizeof(ecdh) };
	CK_ATTRIBUTE its = { CKA_EC_POINT, point, sizeof(point) };
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &yes, 1 },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_VALUE_LEN, &bytes, sizeof(bytes) },
		{ CKA_SENSITIVE, &yes, 1 },
	};
	CK_OBJECT_HANDLE key;

	p11_must(p11->C_GetAttributeValue(session, ec_public, &its, 1),
	    "CKA_EC_POINT");
	ecdh.public_len = its.ulValueLen;
	return p11->C_DeriveKey(session, &m, ec_private, a, 5, &key);
}

static CK_ULONG
secrets(void)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &yes, 1 },
	};
	CK_OBJECT_HANDLE found[256];
	CK_ULONG n = 0;

	p11_must(p11->C_FindObjectsInit(session, a, 2), "C_FindObjectsInit");
	p11_must(p11->C_FindObjects(session, found, 256, &n), "FindObjects");
	p11_must(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
	return n;
}

static void
test_unwrap(void)
{
	CK_MECHANISM hmac = { CKM_SHA256_HMAC, NULL, 0 };
	CK_ULONG before = secrets();
	CK_OBJECT_HANDLE key = 0;

	is(unwrap(5, CK_TRUE, &key), CKR_KEY_SIZE_RANGE,
	    "a sensitive secret of 40 bits unwrapped");
	is(unwrap(5, CK_FALSE, &key), CKR_KEY_SIZE_RANGE,
	    "a secret of 40 bits unwrapped");
	is(derive(8), CKR_KEY_SIZE_RANGE, "a secret of 64 bits derived");
	is(secrets(), before, "none of them stays");
	is(derive(32), CKR_OK, "a secret of 256 bits derived");
	is(unwrap(32, CK_TRUE, &key), CKR_OK,
	    "a sensitive secret of 256 bits unwrapped");
	is(p11->C_SignInit(p11_session(p11, slot, NULL), &hmac, key), CKR_OK,
	    "it can be used");
	is(secrets(), before + 2, "they stay, and nothing else does");
}

static void
test_list(void)
{
	CK_MECHANISM_TYPE list[512];
	CK_ULONG n = 0, all = 512, few = 3;

	is(p11->C_GetMechanismList(slot, NULL, &n), CKR_OK, "how many");
	is(p11->C_GetMechanismList(slot, list, &all), CKR_OK, "which");
	is(n, all, "as many as were announced");
	is(p11->C_GetMechanismList(slot, list, &few), CKR_BUFFER_TOO_SMALL,
	    "no room");
	is(few, all, "how much it would need");
	is(p11->C_GetMechanismList(slot, list, NULL), CKR_ARGUMENTS_BAD,
	    "nowhere to tell");
}

int
main(int argc, char *argv[])
{
	if (argc != 3)
		return 100;
	p11 = p11_open(argv[1]);
	slot = p11_slot(p11);
	session = p11_session(p11, slot, argv[2]);
	p11_must(p11_pair(p11, session, 2048, false, &rsa_public,
	    &rsa_private), "RSA key");
	p11_must(p11_pair(p11, session, 0, false, &ec_public, &ec_private),
	    "EC key");
	test_generate();
	test_create();
	test_parameters();
	test_hashes();
	test_unwrap();
	test_list();
	(void)printf("1..%d\n", tests);
	return 0;
}
