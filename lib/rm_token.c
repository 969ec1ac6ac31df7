/* SPDX-License-Identifier: ISC */
/*
 * A PKCS#11 module, as one who administers its tokens calls it.  The module
 * runs in this process with all its rights: who names it must be trusted, what
 * it answers is checked for sizes and cleaned before it is handed out.
 *
 * MUST NOT: copy a PIN, or put anything of one into a text.
 */
#include "rm_token.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "rm_text.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define FIND_AT_ONCE	256
#define SIG_MAX		512

/* A list of slots, and the token in each. */
struct slots {
	CK_ULONG n;
	CK_SLOT_ID id[RM_TOKEN_MAX];
	CK_TOKEN_INFO info[RM_TOKEN_MAX];
};

static void *module;
static CK_FUNCTION_LIST_PTR p11;
static CK_BBOOL yes = CK_TRUE;

/* --- answers -------------------------------------------------------------- */

static int
say(struct rm_err *err, const char *call, CK_RV rv)
{
	switch (rv) {
	case CKR_PIN_INCORRECT:
		return rm_err_set(err, RM_CODE_WRONG_PIN, "the PIN is wrong");
	case CKR_PIN_LOCKED:
		return rm_err_set(err, RM_CODE_PIN_BLOCKED,
		    "the PIN is locked after too many wrong ones");
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_INVALID:
		return rm_err_set(err, RM_CODE_USAGE,
		    "the engine does not take a PIN of this length or form");
	default:
		return rm_err_set(err, RM_CODE_FAILED,
		    "the engine refuses %s: 0x%lx", call, rv);
	}
}

/* --- the module ----------------------------------------------------------- */

int
rm_token_begin(const char *path, struct rm_err *err)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_C_GetFunctionList get;
	void *symbol;
	CK_RV rv;

	if ((module = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return rm_err_set(err, RM_CODE_SYSTEM, "%s", dlerror());
	if ((symbol = dlsym(module, "C_GetFunctionList")) == NULL) {
		rm_token_end();
		return rm_err_set(err, RM_CODE_SYSTEM,
		    "%s is not a PKCS#11 module", path);
	}
	/* ISO C has no cast from data to function; POSIX says they fit. */
	memcpy(&get, &symbol, sizeof(get));
	if ((rv = get(&p11)) != CKR_OK || p11 == NULL ||
	    p11->version.major != 2 || (rv = p11->C_Initialize(&args)) !=
	    CKR_OK) {
		p11 = NULL;
		rm_token_end();
		return rm_err_set(err, RM_CODE_SYSTEM,
		    "%s does not begin: 0x%lx", path, rv);
	}
	return 0;
}

void
rm_token_end(void)
{
	if (p11 != NULL)
		(void)p11->C_Finalize(NULL);
	p11 = NULL;
	if (module != NULL)
		(void)dlclose(module);
	module = NULL;
}

int
rm_token_version(char *ret, size_t size, struct rm_err *err)
{
	CK_INFO info;
	char who[sizeof(info.manufacturerID) + 1];
	size_t len = sizeof(info.manufacturerID);
	CK_RV rv = p11->C_GetInfo(&info);

	if (rv != CKR_OK)
		return say(err, "to tell its version", rv);
	while (len > 0 && info.manufacturerID[len - 1] == ' ')
		len--;
	rm_text_clean(who, sizeof(who), info.manufacturerID, len);
	(void)snprintf(ret, size, "%s %d.%d", who, info.libraryVersion.major,
	    info.libraryVersion.minor);
	return 0;
}

/* --- slots ---------------------------------------------------------------- */

static int
look(struct slots *ret, struct rm_err *err)
{
	CK_ULONG i;
	CK_RV rv;

	ret->n = N(ret->id);
	rv = p11->C_GetSlotList(CK_TRUE, ret->id, &ret->n);
	if (rv == CKR_BUFFER_TOO_SMALL || ret->n > N(ret->id))
		return rm_err_set(err, RM_CODE_SYSTEM,
		    "the engine has over %zu slots", N(ret->id));
	for (i = 0; rv == CKR_OK && i < ret->n; i++)
		rv = p11->C_GetTokenInfo(ret->id[i], &ret->info[i]);
	return rv == CKR_OK ? 0 : say(err, "a look at its tokens", rv);
}

static bool
is_made(const CK_TOKEN_INFO *info)
{
	return (info->flags & CKF_TOKEN_INITIALIZED) != 0;
}

/* Labels are padded with blanks, and have no end. */
static void
pad(CK_UTF8CHAR ret[static RM_TOKEN_LABEL], const char *label)
{
	memset(ret, ' ', RM_TOKEN_LABEL);
	memcpy(ret, label, strlen(label));
}

/* The slot of the token with that label, or of the only one. */
static int
find(CK_SLOT_ID *ret, const char *label, bool only, struct rm_err *err)
{
	CK_UTF8CHAR padded[RM_TOKEN_LABEL];
	struct slots s;
	CK_ULONG i, made = 0, same = 0;

	if (look(&s, err) == -1)
		return -1;
	pad(padded, label);
	for (i = 0; i < s.n; i++) {
		if (!is_made(&s.info[i]))
			continue;
		if (only && made++ == 0 && same == 0)
			*ret = s.id[i];
		if (memcmp(s.info[i].label, padded, sizeof(padded)) != 0)
			continue;
		if (same++ == 0)
			*ret = s.id[i];
	}
	if (same == 1 || (same == 0 && made == 1))
		return 0;
	return rm_err_set(err, RM_CODE_DENIED, same == 0 && made == 0 ?
	    "there is no such token" : "there is more than one such token");
}

bool
rm_token_is_label(const char *label)
{
	size_t i;

	for (i = 0; label[i] != '\0'; i++)
		if (i == RM_TOKEN_LABEL || label[i] < 0x20 || label[i] > 0x7e)
			return false;
	return i > 0;
}

/* --- sessions ------------------------------------------------------------- */

/* PKCS#11 has no const; no module may write to a PIN. */
static CK_BYTE_PTR
bytes(const struct rm_secret *secret)
{
	return (CK_BYTE_PTR)(uintptr_t)secret->text;
}

static int
enter(CK_SESSION_HANDLE *ret, CK_SLOT_ID slot, CK_USER_TYPE who,
    const struct rm_secret *pin, struct rm_err *err)
{
	CK_RV rv;

	rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, ret);
	if (rv != CKR_OK)
		return say(err, "a session", rv);
	rv = p11->C_Login(*ret, who, bytes(pin), pin->len);
	if (rv == CKR_OK)
		return 0;
	(void)p11->C_CloseSession(*ret);
	return say(err, "a log-in", rv);
}

static void
leave(CK_SESSION_HANDLE session)
{
	(void)p11->C_Logout(session);
	(void)p11->C_CloseSession(session);
}

/* Else there would be a token without a PIN. */
static bool
fits(const struct rm_secret *pin, const CK_TOKEN_INFO *info)
{
	return pin->len >= info->ulMinPinLen && (info->ulMaxPinLen == 0 ||
	    pin->len <= info->ulMaxPinLen);
}

int
rm_token_init(const char *label, const struct rm_secret *so,
    const struct rm_secret *pin, struct rm_err *err)
{
	CK_UTF8CHAR padded[RM_TOKEN_LABEL + 1] = { 0 };
	CK_SESSION_HANDLE session;
	struct slots s;
	CK_ULONG i;
	CK_RV rv;

	if (look(&s, err) == -1)
		return -1;
	pad(padded, label);
	for (i = 0; i < s.n; i++)
		if (is_made(&s.info[i]) && memcmp(s.info[i].label, padded,
		    RM_TOKEN_LABEL) == 0)
			return rm_err_set(err, RM_CODE_DENIED,
			    "there is a token of that label already");
	for (i = 0; i < s.n && is_made(&s.info[i]); i++)
		continue;
	if (i == s.n)
		return rm_err_set(err, RM_CODE_DENIED,
		    "the engine has no slot for another token");
	if (!fits(pin, &s.info[i]) || !fits(so, &s.info[i]))
		return say(err, "a PIN", CKR_PIN_LEN_RANGE);
	rv = p11->C_InitToken(s.id[i], bytes(so), so->len, padded);
	if (rv != CKR_OK)
		return say(err, "a new token", rv);
	/* Its slot may have moved. */
	if (find(&s.id[0], label, false, err) == -1 ||
	    enter(&session, s.id[0], CKU_SO, so, err) == -1)
		return -1;
	rv = p11->C_InitPIN(session, bytes(pin), pin->len);
	leave(session);
	return rv == CKR_OK ? 0 : say(err, "a PIN", rv);
}

int
rm_token_change(const char *label, const struct rm_secret *old,
    const struct rm_secret *new, struct rm_err *err)
{
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slot;
	CK_RV rv;

	if (find(&slot, label, true, err) == -1 ||
	    enter(&session, slot, CKU_USER, old, err) == -1)
		return -1;
	rv = p11->C_SetPIN(session, bytes(old), old->len, bytes(new),
	    new->len);
	leave(session);
	return rv == CKR_OK ? 0 : say(err, "another PIN", rv);
}

/* --- facts ---------------------------------------------------------------- */

static void
take_text(char *ret, size_t size, const CK_UTF8CHAR *text)
{
	size_t len = size - 1;

	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
		len--;
	rm_text_clean(ret, size, text, len);
}

static int
count_objects(uint64_t *ret, CK_SLOT_ID slot, struct rm_err *err)
{
	CK_OBJECT_HANDLE found[FIND_AT_ONCE];
	CK_SESSION_HANDLE session;
	CK_ULONG n = 0;
	CK_RV rv;

	rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
	    &session);
	if (rv != CKR_OK)
		return say(err, "a session", rv);
	*ret = 0;
	if ((rv = p11->C_FindObjectsInit(session, NULL, 0)) == CKR_OK) {
		do {
			rv = p11->C_FindObjects(session, found, N(found), &n);
			*ret += n;
		} while (rv == CKR_OK && n > 0);
		(void)p11->C_FindObjectsFinal(session);
	}
	(void)p11->C_CloseSession(session);
	return rv == CKR_OK ? 0 : say(err, "a look at objects", rv);
}

static int
take_facts(struct rm_token_facts *ret, CK_SLOT_ID slot,
    const CK_TOKEN_INFO *info, struct rm_err *err)
{
	take_text(ret->label, sizeof(ret->label), info->label);
	take_text(ret->serial, sizeof(ret->serial), info->serialNumber);
	ret->free = info->ulFreePublicMemory == CK_UNAVAILABLE_INFORMATION ?
	    RM_TOKEN_UNKNOWN : info->ulFreePublicMemory;
	ret->pin_set = (info->flags & CKF_USER_PIN_INITIALIZED) != 0;
	ret->pin_locked = (info->flags & CKF_USER_PIN_LOCKED) != 0;
	ret->so_locked = (info->flags & CKF_SO_PIN_LOCKED) != 0;
	return count_objects(&ret->objects, slot, err);
}

int
rm_token_list(struct rm_token_facts ret[static RM_TOKEN_MAX], size_t *ret_n,
    bool *ret_room, struct rm_err *err)
{
	struct slots s;
	CK_ULONG i;

	if (look(&s, err) == -1)
		return -1;
	*ret_n = 0;
	*ret_room = false;
	for (i = 0; i < s.n; i++) {
		if (!is_made(&s.info[i]))
			*ret_room = true;
		else if (take_facts(&ret[(*ret_n)++], s.id[i], &s.info[i],
		    err) == -1)
			return -1;
	}
	return 0;
}

/* --- a round -------------------------------------------------------------- */

static CK_BYTE p256[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
static CK_BYTE exponent[] = { 1, 0, 1 };
static CK_ULONG bits = 2048;

/* Two that every mode approves. */
static const struct kind {
	const char *name;
	CK_MECHANISM_TYPE generator, signer;
	CK_ATTRIBUTE size, exponent;
} kinds[] = {
	{ "P-256", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA,
	    { CKA_EC_PARAMS, p256, sizeof(p256) - 1 }, { .type = 0 } },
	{ "RSA-2048", CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_SHA256_RSA_PKCS,
	    { CKA_MODULUS_BITS, &bits, sizeof(bits) },
	    { CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) } },
};

/* A stored pair, as a client's would be. */
static CK_RV
make_pair(CK_SESSION_HANDLE session, const struct kind *kind,
    CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	CK_MECHANISM how = { kind->generator, NULL, 0 };
	CK_ATTRIBUTE public[] = {
		{ CKA_TOKEN, &yes, 1 }, { CKA_VERIFY, &yes, 1 },
		kind->size, kind->exponent,
	};
	CK_ATTRIBUTE private[] = {
		{ CKA_TOKEN, &yes, 1 }, { CKA_PRIVATE, &yes, 1 },
		{ CKA_SENSITIVE, &yes, 1 }, { CKA_SIGN, &yes, 1 },
	};

	return p11->C_GenerateKeyPair(session, &how, public,
	    kind->exponent.pValue != NULL ? 4 : 3, private, 4, ret_public,
	    ret_private);
}

/* What is signed verifies; one bit off, and it does not. */
static CK_RV
sign_and_verify(CK_SESSION_HANDLE session, const struct kind *kind,
    CK_OBJECT_HANDLE public, CK_OBJECT_HANDLE private)
{
	CK_MECHANISM how = { kind->signer, NULL, 0 };
	CK_BYTE data[] = "thirty-two bytes that are signed", sig[SIG_MAX];
	CK_ULONG len = sizeof(data) - 1, n = sizeof(sig);
	CK_RV rv;

	if ((rv = p11->C_SignInit(session, &how, private)) != CKR_OK ||
	    (rv = p11->C_Sign(session, data, len, sig, &n)) != CKR_OK ||
	    (rv = p11->C_VerifyInit(session, &how, public)) != CKR_OK ||
	    (rv = p11->C_Verify(session, data, len, sig, n)) != CKR_OK)
		return rv;
	sig[n - 1] ^= 1;
	if ((rv = p11->C_VerifyInit(session, &how, public)) != CKR_OK)
		return rv;
	rv = p11->C_Verify(session, data, len, sig, n);
	return rv == CKR_OK ? CKR_GENERAL_ERROR : rv == CKR_SIGNATURE_INVALID ?
	    CKR_OK : rv;
}

static CK_RV
one_round(CK_SESSION_HANDLE session, const struct kind *kind)
{
	CK_OBJECT_HANDLE public, private;
	CK_ULONG n = 0;
	CK_RV rv, rv2;

	rv = make_pair(session, kind, &public, &private);
	if (rv != CKR_OK)
		return rv;
	rv = sign_and_verify(session, kind, public, private);
	if ((rv2 = p11->C_DestroyObject(session, private)) != CKR_OK ||
	    (rv2 = p11->C_DestroyObject(session, public)) != CKR_OK)
		return rv == CKR_OK ? rv2 : rv;
	/* Nothing is left of them. */
	if (rv == CKR_OK && (rv = p11->C_FindObjectsInit(session, NULL, 0)) ==
	    CKR_OK) {
		rv = p11->C_FindObjects(session, &public, 1, &n);
		(void)p11->C_FindObjectsFinal(session);
	}
	return rv == CKR_OK && n > 0 ? CKR_GENERAL_ERROR : rv;
}

int
rm_token_try(const char *label, const struct rm_secret *pin,
    void (*passed)(const char *kind), struct rm_err *err)
{
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slot;
	CK_RV rv = CKR_OK;
	size_t i;

	if (find(&slot, label, false, err) == -1 ||
	    enter(&session, slot, CKU_USER, pin, err) == -1)
		return -1;
	for (i = 0; i < N(kinds) && rv == CKR_OK; i++)
		if ((rv = one_round(session, &kinds[i])) == CKR_OK)
			passed(kinds[i].name);
	leave(session);
	return rv == CKR_OK ? 0 : say(err, kinds[i - 1].name, rv);
}
