/* SPDX-License-Identifier: ISC */
/*
 * Mechanisms, held to the mode: what is listed, and every call that begins to
 * use one.  The combined calls (C_DigestEncryptUpdate and the like) go on with
 * what was begun here.
 */
#include "gate.h"

#include <string.h>

#include "rm_mech.h"

/* PSS and OAEP begin with the same two numbers (PKCS#11 2.40, 2.1.7, 2.1.9). */
static bool
hash_allowed(const struct rm_mode_rule *rule, const CK_MECHANISM *mechanism)
{
	const struct rm_mech_digest *digest;
	struct {
		CK_MECHANISM_TYPE hash;
		CK_ULONG mgf;
	} param;

	if (mechanism->pParameter == NULL ||
	    mechanism->ulParameterLen < sizeof(param))
		return false;
	memcpy(&param, mechanism->pParameter, sizeof(param));
	digest = rm_mech_digest(param.hash);
	/* The mask is of the same hash, so that it needs no rule of its own. */
	return digest != NULL && digest->mgf == param.mgf &&
	    rm_mode_hash(&gate.mode, rule, param.hash);
}

CK_RV
gate_use_check(const CK_MECHANISM *mechanism, enum rm_use use,
    const struct rm_mode_rule **ret_rule)
{
	const struct rm_mech *mech;

	if (mechanism == NULL)
		return CKR_ARGUMENTS_BAD;
	*ret_rule = rm_mode_find(&gate.mode, mechanism->mechanism);
	if (*ret_rule == NULL || ((*ret_rule)->use & use) == 0)
		return CKR_MECHANISM_INVALID;
	if (!gate.mode.deny && (*ret_rule)->n_hashes == 0)
		return CKR_OK;
	mech = rm_mech_by_number(mechanism->mechanism);
	if (mech != NULL && mech->hash == RM_MECH_HASH_PARAM &&
	    !hash_allowed(*ret_rule, mechanism))
		return CKR_MECHANISM_PARAM_INVALID;
	return CKR_OK;
}

static bool
listed(CK_MECHANISM_TYPE type)
{
	return rm_mode_find(&gate.mode, type) != NULL;
}

/* The engine's list, without what the mode refuses. */
static CK_RV
get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list,
    CK_ULONG_PTR count)
{
	CK_MECHANISM_TYPE all[512];
	CK_ULONG i, n = 0, total = sizeof(all) / sizeof(all[0]);
	CK_RV rv;

	if (count == NULL)
		return CKR_ARGUMENTS_BAD;
	rv = gate.engine->C_GetMechanismList(slot, all, &total);
	if (rv != CKR_OK)
		return rv == CKR_BUFFER_TOO_SMALL ? CKR_HOST_MEMORY : rv;
	for (i = 0; i < total; i++)
		if (listed(all[i]))
			all[n++] = all[i];
	if (list != NULL && *count < n) {
		*count = n;
		return CKR_BUFFER_TOO_SMALL;
	}
	if (list != NULL)
		memcpy(list, all, n * sizeof(*list));
	*count = n;
	return CKR_OK;
}

static CK_FLAGS
forbidden_flags(unsigned int use)
{
	static const struct {
		enum rm_use use;
		CK_FLAGS flags;
	} table[] = {
		{ RM_USE_SIGN, CKF_SIGN | CKF_SIGN_RECOVER },
		{ RM_USE_VERIFY, CKF_VERIFY | CKF_VERIFY_RECOVER },
		{ RM_USE_ENCRYPT, CKF_ENCRYPT },
		{ RM_USE_DECRYPT, CKF_DECRYPT },
		{ RM_USE_DIGEST, CKF_DIGEST },
		{ RM_USE_GENERATE, CKF_GENERATE | CKF_GENERATE_KEY_PAIR },
		{ RM_USE_WRAP, CKF_WRAP },
		{ RM_USE_UNWRAP, CKF_UNWRAP },
		{ RM_USE_DERIVE, CKF_DERIVE },
	};
	CK_FLAGS flags = 0;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((use & table[i].use) == 0)
			flags |= table[i].flags;
	return flags;
}

static CK_RV
get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
    CK_MECHANISM_INFO_PTR info)
{
	const struct rm_mode_rule *rule = rm_mode_find(&gate.mode, type);
	const struct rm_mech *mech = rm_mech_by_number(type);
	CK_ULONG unit;
	CK_RV rv;

	if (rule == NULL)
		return CKR_MECHANISM_INVALID;
	rv = gate.engine->C_GetMechanismInfo(slot, type, info);
	if (rv != CKR_OK || info == NULL)
		return rv;
	info->flags &= ~forbidden_flags(rule->use);
	if (mech == NULL || mech->unit == RM_MECH_UNIT_NONE)
		return CKR_OK;
	unit = mech->unit == RM_MECH_UNIT_BYTES ? 8 : 1;
	if (info->ulMinKeySize < (rule->min + unit - 1) / unit)
		info->ulMinKeySize = (rule->min + unit - 1) / unit;
	if (rule->max != UINT32_MAX && info->ulMaxKeySize > rule->max / unit)
		info->ulMaxKeySize = rule->max / unit;
	return CKR_OK;
}

/* What all calls that begin to use a key have in common: they look alike. */
static CK_RV
begin(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key, enum rm_use use, CK_C_SignInit engine)
{
	const struct rm_mode_rule *rule;
	CK_RV rv;

	if ((rv = gate_use_check(mechanism, use, &rule)) != CKR_OK ||
	    (rv = gate_key_use(session, key, rule)) != CKR_OK)
		return rv;
	return engine(session, mechanism, key);
}

static CK_RV
encrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
	return begin(session, mechanism, key, RM_USE_ENCRYPT,
	    gate.engine->C_EncryptInit);
}

static CK_RV
decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
	return begin(session, mechanism, key, RM_USE_DECRYPT,
	    gate.engine->C_DecryptInit);
}

static CK_RV
digest_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism)
{
	const struct rm_mode_rule *rule;
	CK_RV rv;

	if ((rv = gate_use_check(mechanism, RM_USE_DIGEST, &rule)) != CKR_OK)
		return rv;
	return gate.engine->C_DigestInit(session, mechanism);
}

/* A signature that gives its data back cannot be one of a hash alone. */
static bool
wants_hash(CK_MECHANISM_PTR mechanism)
{
	const struct rm_mode_rule *rule;

	return mechanism != NULL &&
	    (rule = rm_mode_find(&gate.mode, mechanism->mechanism)) != NULL &&
	    rule->n_hashes > 0;
}

static CK_RV
sign_recover_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
	return wants_hash(mechanism) ? CKR_MECHANISM_INVALID :
	    begin(session, mechanism, key, RM_USE_SIGN,
	    gate.engine->C_SignRecoverInit);
}

static CK_RV
verify_recover_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
	return wants_hash(mechanism) ? CKR_MECHANISM_INVALID :
	    begin(session, mechanism, key, RM_USE_VERIFY,
	    gate.engine->C_VerifyRecoverInit);
}

static CK_RV
sign_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
	CK_RV rv = begin(session, mechanism, key, RM_USE_SIGN,
	    gate.engine->C_SignInit);

	return rv != CKR_OK ? rv : gate_watch(session, RM_USE_SIGN,
	    rm_mode_find(&gate.mode, mechanism->mechanism));
}

static CK_RV
verify_init(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
	CK_RV rv = begin(session, mechanism, key, RM_USE_VERIFY,
	    gate.engine->C_VerifyInit);

	return rv != CKR_OK ? rv : gate_watch(session, RM_USE_VERIFY,
	    rm_mode_find(&gate.mode, mechanism->mechanism));
}

/* What was saved may have been begun in another mode, with any key. */
static CK_RV
set_operation_state(CK_SESSION_HANDLE session, CK_BYTE_PTR state,
    CK_ULONG len, CK_OBJECT_HANDLE encryption, CK_OBJECT_HANDLE signature)
{
	if (gate.mode.deny || gate.mode.n > 0)
		return CKR_SAVED_STATE_INVALID;
	return gate.engine->C_SetOperationState(session, state, len,
	    encryption, signature);
}

void
gate_use_install(CK_FUNCTION_LIST_PTR list)
{
	list->C_GetMechanismList = get_mechanism_list;
	list->C_GetMechanismInfo = get_mechanism_info;
	list->C_EncryptInit = encrypt_init;
	list->C_DecryptInit = decrypt_init;
	list->C_DigestInit = digest_init;
	list->C_SignInit = sign_init;
	list->C_SignRecoverInit = sign_recover_init;
	list->C_VerifyInit = verify_init;
	list->C_VerifyRecoverInit = verify_recover_init;
	list->C_SetOperationState = set_operation_state;
}
