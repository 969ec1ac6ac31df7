/* SPDX-License-Identifier: ISC */
/* What the probes of a PKCS#11 module share. */
#include "p11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

const char *
p11_name(CK_RV rv)
{
	static const struct {
		CK_RV rv;
		const char *name;
	} names[] = {
#define NAME(n)	{ CKR_ ## n, #n }
		NAME(OK), NAME(ARGUMENTS_BAD), NAME(ATTRIBUTE_VALUE_INVALID),
		NAME(CURVE_NOT_SUPPORTED), NAME(DATA_INVALID),
		NAME(DATA_LEN_RANGE), NAME(DEVICE_ERROR),
		NAME(DEVICE_REMOVED), NAME(TOKEN_NOT_PRESENT),
		NAME(FUNCTION_FAILED), NAME(FUNCTION_NOT_SUPPORTED),
		NAME(GENERAL_ERROR), NAME(KEY_HANDLE_INVALID),
		NAME(KEY_SIZE_RANGE), NAME(KEY_TYPE_INCONSISTENT),
		NAME(KEY_FUNCTION_NOT_PERMITTED), NAME(MECHANISM_INVALID),
		NAME(MECHANISM_PARAM_INVALID), NAME(OBJECT_HANDLE_INVALID),
		NAME(OPERATION_NOT_INITIALIZED), NAME(PIN_INCORRECT),
		NAME(PIN_LOCKED), NAME(SIGNATURE_INVALID),
		NAME(TEMPLATE_INCOMPLETE), NAME(TEMPLATE_INCONSISTENT),
		NAME(WRAPPED_KEY_INVALID), NAME(CRYPTOKI_NOT_INITIALIZED),
		NAME(CRYPTOKI_ALREADY_INITIALIZED),
		NAME(KEY_UNEXTRACTABLE), NAME(WRAPPED_KEY_LEN_RANGE),
		NAME(SAVED_STATE_INVALID), NAME(OPERATION_ACTIVE),
		NAME(USER_NOT_LOGGED_IN),
#undef NAME
	};
	static char number[32];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].rv == rv)
			return names[i].name;
	(void)snprintf(number, sizeof(number), "0x%lx", rv);
	return number;
}

void
p11_must(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	(void)fflush(stdout);
	(void)fprintf(stderr, "%s: %s\n", what, p11_name(rv));
	exit(1);
}

CK_FUNCTION_LIST_PTR
p11_open(const char *module)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST_PTR p11;
	void *handle, *symbol;

	if ((handle = dlopen(module, RTLD_NOW | RTLD_LOCAL)) == NULL ||
	    (symbol = dlsym(handle, "C_GetFunctionList")) == NULL) {
		(void)fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	memcpy(&get, &symbol, sizeof(get));
	p11_must(get(&p11), "C_GetFunctionList");
	p11_must(p11->C_Initialize(&args), "C_Initialize");
	return p11;
}

CK_SLOT_ID
p11_slot(CK_FUNCTION_LIST_PTR p11)
{
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;

	p11_must(p11->C_GetSlotList(CK_TRUE, slots, &n), "C_GetSlotList");
	if (n == 0)
		p11_must(CKR_GENERAL_ERROR, "no token");
	return slots[0];
}

CK_SESSION_HANDLE
p11_session(CK_FUNCTION_LIST_PTR p11, CK_SLOT_ID slot, const char *pin)
{
	CK_SESSION_HANDLE session;
	char copy[64] = "";

	p11_must(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, &session), "C_OpenSession");
	if (pin != NULL) {
		(void)snprintf(copy, sizeof(copy), "%s", pin);
		p11_must(p11->C_Login(session, CKU_USER, (CK_BYTE_PTR)copy,
		    strlen(copy)), "C_Login");
	}
	return session;
}

CK_RV
p11_pair(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session, CK_ULONG bits,
    bool token, CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	CK_MECHANISM mechanism = { bits == 0 ? CKM_EC_KEY_PAIR_GEN :
		CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
	CK_BYTE curve[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
	CK_BYTE e[] = { 1, 0, 1 };
	CK_BBOOL *kept = token ? &yes : &no;
	CK_ATTRIBUTE public[] = {
		{ CKA_TOKEN, kept, 1 }, { CKA_VERIFY, &yes, 1 },
		{ CKA_ENCRYPT, bits == 0 ? &no : &yes, 1 },
		{ CKA_WRAP, bits == 0 ? &no : &yes, 1 },
		{ CKA_EC_PARAMS, curve, sizeof(curve) - 1 },
		{ CKA_PUBLIC_EXPONENT, e, sizeof(e) },
	};
	CK_ATTRIBUTE private[] = {
		{ CKA_TOKEN, kept, 1 }, { CKA_SIGN, &yes, 1 },
		{ CKA_PRIVATE, &yes, 1 }, { CKA_SENSITIVE, &yes, 1 },
		{ CKA_DECRYPT, bits == 0 ? &no : &yes, 1 },
		{ CKA_UNWRAP, bits == 0 ? &no : &yes, 1 },
		{ CKA_DERIVE, bits == 0 ? &yes : &no, 1 },
	};

	if (bits != 0)
		public[4] = (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits,
			sizeof(bits) };
	return p11->C_GenerateKeyPair(session, &mechanism, public,
	    bits == 0 ? 5 : 6, private, 7, ret_public, ret_private);
}

CK_RV
p11_secret(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session,
    CK_MECHANISM_TYPE generator, CK_ULONG bytes, CK_OBJECT_HANDLE *ret)
{
	CK_MECHANISM mechanism = { generator, NULL, 0 };
	CK_ATTRIBUTE templ[] = {
		{ CKA_TOKEN, &no, 1 }, { CKA_SIGN, &yes, 1 },
		{ CKA_VERIFY, &yes, 1 }, { CKA_ENCRYPT, &yes, 1 },
		{ CKA_DECRYPT, &yes, 1 }, { CKA_WRAP, &yes, 1 },
		{ CKA_UNWRAP, &yes, 1 }, { CKA_DERIVE, &yes, 1 },
		{ CKA_EXTRACTABLE, &yes, 1 }, { CKA_SENSITIVE, &no, 1 },
		{ CKA_VALUE_LEN, &bytes, sizeof(bytes) },
	};

	return p11->C_GenerateKey(session, &mechanism, templ,
	    bytes == 0 ? 10 : 11, ret);
}
