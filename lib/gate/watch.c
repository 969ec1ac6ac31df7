/* SPDX-License-Identifier: ISC */
/*
 * Signatures of what the caller hashed by himself: CKM_RSA_PKCS, CKM_ECDSA,
 * CKM_DSA.  Where the mode names hashes for them, the data must be one of
 * these, or such a mechanism would sign any hash, and no hash.  So each
 * session's rule is kept from one C_SignInit to the next, and the same for
 * verification: not only to the end of C_Sign, since an engine may go on with
 * what it began after some errors, and nobody can ask it.
 *
 * PKCS#11 2.40 has no call that ends what C_SignInit began.  So what is
 * refused is carried out all the same, and its result is dropped.
 */
#include "gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "rm_mech.h"

struct watch {
	CK_SESSION_HANDLE session;
	enum rm_use use;
	const struct rm_mode_rule *rule;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watch *watches;
static size_t n_watches, room;
static bool blind;	/* one could not be kept: nothing can be trusted */

/* The place of a session's watch, or n_watches.  Under the lock. */
static size_t
place(CK_SESSION_HANDLE session, enum rm_use use)
{
	size_t i;

	for (i = 0; i < n_watches; i++)
		if (watches[i].session == session && watches[i].use == use)
			break;
	return i;
}

static CK_RV
put(CK_SESSION_HANDLE session, enum rm_use use,
    const struct rm_mode_rule *rule)
{
	size_t i = place(session, use), more = room == 0 ? 16 : room * 2;
	struct watch *bigger;

	if (rule == NULL) {
		if (i < n_watches)
			watches[i] = watches[--n_watches];
		return CKR_OK;
	}
	if (i == room) {
		bigger = reallocarray(watches, more, sizeof(*watches));
		if (bigger == NULL) {
			blind = true;
			return CKR_HOST_MEMORY;
		}
		watches = bigger;
		room = more;
	}
	if (i == n_watches)
		n_watches++;
	watches[i] = (struct watch){ session, use, rule };
	return CKR_OK;
}

/* Where the caller's hash can be seen, if the rule asks for one. */
static enum rm_mech_hash
seen_in(const struct rm_mode_rule *rule)
{
	const struct rm_mech *mech;

	if (rule == NULL || rule->n_hashes == 0 ||
	    (mech = rm_mech_by_number(rule->mechanism)) == NULL ||
	    mech->hash == RM_MECH_HASH_PARAM)
		return RM_MECH_HASH_NONE;
	return mech->hash;
}

CK_RV
gate_watch(CK_SESSION_HANDLE session, enum rm_use use,
    const struct rm_mode_rule *rule)
{
	CK_RV rv;

	if (seen_in(rule) == RM_MECH_HASH_NONE)
		rule = NULL;
	(void)pthread_mutex_lock(&lock);
	rv = put(session, use, rule);
	(void)pthread_mutex_unlock(&lock);
	return rv;
}

/* The rule that the session's data are held to; NULL if there is none. */
static CK_RV
watched(CK_SESSION_HANDLE session, enum rm_use use,
    const struct rm_mode_rule **ret)
{
	CK_RV rv;
	size_t i;

	(void)pthread_mutex_lock(&lock);
	i = place(session, use);
	*ret = i < n_watches ? watches[i].rule : NULL;
	rv = blind ? CKR_HOST_MEMORY : CKR_OK;
	(void)pthread_mutex_unlock(&lock);
	return rv;
}

static bool
is_digest(const struct rm_mode_rule *rule, const CK_BYTE *data, CK_ULONG len)
{
	enum rm_mech_hash kind = seen_in(rule);
	const struct rm_mech_digest *digest;
	size_t i;

	for (i = 0; data != NULL && i < rule->n_hashes; i++) {
		digest = rm_mech_digest(rule->hash[i]);
		if (digest != NULL && rm_mech_is_digest(digest, kind, data,
		    len))
			return true;
	}
	return false;
}

static CK_RV
sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len,
    CK_BYTE_PTR ret, CK_ULONG_PTR ret_len)
{
	CK_BYTE dropped[RM_MODE_MAX / 8];
	CK_ULONG dropped_len = sizeof(dropped);
	const struct rm_mode_rule *rule;
	CK_RV rv;

	if ((rv = watched(session, RM_USE_SIGN, &rule)) != CKR_OK)
		return rv;
	if (rule != NULL && ret != NULL && !is_digest(rule, data, len)) {
		rv = gate.engine->C_Sign(session, data, len, dropped,
		    &dropped_len);
		explicit_bzero(dropped, sizeof(dropped));
		return rv == CKR_OK ? CKR_DATA_INVALID : rv;
	}
	return gate.engine->C_Sign(session, data, len, ret, ret_len);
}

static CK_RV
verify(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len,
    CK_BYTE_PTR signature, CK_ULONG signature_len)
{
	const struct rm_mode_rule *rule;
	CK_RV rv;

	if ((rv = watched(session, RM_USE_VERIFY, &rule)) != CKR_OK)
		return rv;
	rv = gate.engine->C_Verify(session, data, len, signature,
	    signature_len);
	return rv == CKR_OK && rule != NULL && !is_digest(rule, data, len) ?
	    CKR_DATA_INVALID : rv;
}

/* Data in parts is for mechanisms that hash by themselves. */
static CK_RV
parts(CK_SESSION_HANDLE session, enum rm_use use)
{
	const struct rm_mode_rule *rule;
	CK_RV rv = watched(session, use, &rule);

	return rv == CKR_OK && rule != NULL ? CKR_FUNCTION_NOT_SUPPORTED : rv;
}

static CK_RV
sign_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG len)
{
	CK_RV rv = parts(session, RM_USE_SIGN);

	return rv != CKR_OK ? rv : gate.engine->C_SignUpdate(session, part,
	    len);
}

static CK_RV
sign_final(CK_SESSION_HANDLE session, CK_BYTE_PTR ret, CK_ULONG_PTR ret_len)
{
	CK_RV rv = parts(session, RM_USE_SIGN);

	return rv != CKR_OK ? rv : gate.engine->C_SignFinal(session, ret,
	    ret_len);
}

static CK_RV
sign_encrypt_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part,
    CK_ULONG len, CK_BYTE_PTR ret, CK_ULONG_PTR ret_len)
{
	CK_RV rv = parts(session, RM_USE_SIGN);

	return rv != CKR_OK ? rv : gate.engine->C_SignEncryptUpdate(session,
	    part, len, ret, ret_len);
}

static CK_RV
verify_update(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG len)
{
	CK_RV rv = parts(session, RM_USE_VERIFY);

	return rv != CKR_OK ? rv : gate.engine->C_VerifyUpdate(session, part,
	    len);
}

static CK_RV
verify_final(CK_SESSION_HANDLE session, CK_BYTE_PTR signature, CK_ULONG len)
{
	CK_RV rv = parts(session, RM_USE_VERIFY);

	return rv != CKR_OK ? rv : gate.engine->C_VerifyFinal(session,
	    signature, len);
}

static CK_RV
decrypt_verify_update(CK_SESSION_HANDLE session, CK_BYTE_PTR encrypted,
    CK_ULONG len, CK_BYTE_PTR ret, CK_ULONG_PTR ret_len)
{
	CK_RV rv = parts(session, RM_USE_VERIFY);

	return rv != CKR_OK ? rv : gate.engine->C_DecryptVerifyUpdate(session,
	    encrypted, len, ret, ret_len);
}

/* Forgets what belongs to sessions that the engine does not know any more. */
static void
sweep(void)
{
	CK_SESSION_INFO info;
	size_t i = 0;

	gate_key_forget();
	(void)pthread_mutex_lock(&lock);
	while (i < n_watches) {
		if (gate.engine->C_GetSessionInfo(watches[i].session, &info) ==
		    CKR_OK)
			i++;
		else
			watches[i] = watches[--n_watches];
	}
	(void)pthread_mutex_unlock(&lock);
}

/* Before the engine, which may give the same handle to the next at once. */
static CK_RV
close_session(CK_SESSION_HANDLE session)
{
	const struct rm_mode_rule *signs, *verifies;
	CK_RV rv;

	if ((rv = watched(session, RM_USE_SIGN, &signs)) != CKR_OK ||
	    (rv = watched(session, RM_USE_VERIFY, &verifies)) != CKR_OK)
		return rv;
	(void)gate_watch(session, RM_USE_SIGN, NULL);
	(void)gate_watch(session, RM_USE_VERIFY, NULL);
	gate_key_forget();
	rv = gate.engine->C_CloseSession(session);
	if (rv != CKR_OK && rv != CKR_SESSION_HANDLE_INVALID) {
		(void)gate_watch(session, RM_USE_SIGN, signs);
		(void)gate_watch(session, RM_USE_VERIFY, verifies);
	}
	return rv;
}

static CK_RV
close_all_sessions(CK_SLOT_ID slot)
{
	CK_RV rv = gate.engine->C_CloseAllSessions(slot);

	if (rv == CKR_OK)
		sweep();
	return rv;
}

static CK_RV
finalize(CK_VOID_PTR reserved)
{
	CK_RV rv = gate.engine->C_Finalize(reserved);

	if (rv == CKR_OK)
		sweep();
	return rv;
}

/* In the child of a fork no session is left, and no other thread. */
static void
forked(void)
{
	(void)pthread_mutex_init(&lock, NULL);
	n_watches = 0;
	gate_key_forked();
}

void
gate_watch_install(CK_FUNCTION_LIST_PTR list)
{
	(void)pthread_atfork(NULL, NULL, forked);
	list->C_Sign = sign;
	list->C_SignUpdate = sign_update;
	list->C_SignFinal = sign_final;
	list->C_SignEncryptUpdate = sign_encrypt_update;
	list->C_Verify = verify;
	list->C_VerifyUpdate = verify_update;
	list->C_VerifyFinal = verify_final;
	list->C_DecryptVerifyUpdate = decrypt_verify_update;
	list->C_CloseSession = close_session;
	list->C_CloseAllSessions = close_all_sessions;
	list->C_Finalize = finalize;
}
