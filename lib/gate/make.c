/* SPDX-License-Identifier: ISC */
/*
 * Keys that come into being: made, handed in, unwrapped or derived.  Each is
 * held to the mode by what was asked for and, once it is there, by what it
 * turned out to be; one that may not stay is destroyed before the caller
 * learns of it.  All this is one change to a snapshot.
 */
#include "gate.h"

#include <string.h>

struct change {
	bool token;		/* it is on disk, so it needs the turnstile */
	struct gate_write write;
};

static CK_RV
change_begin(struct change *c, bool token)
{
	c->token = token;
	return token ? gate_write_begin(&c->write, GATE_MAKES) : CKR_OK;
}

static CK_RV
change_end(struct change *c, CK_RV rv)
{
	return c->token ? gate_write_end(&c->write, rv) : rv;
}

/* Lets a new key stay, or destroys it. */
static CK_RV
keep(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR key, bool measured)
{
	CK_RV rv = gate_key_stay(session, *key, measured);

	if (rv == CKR_OK)
		return CKR_OK;
	/* Where this fails, its size still keeps it from being used. */
	if (gate.engine->C_DestroyObject(session, *key) != CKR_OK)
		rm_warnx("a key that the mode refuses could not be destroyed");
	*key = CK_INVALID_HANDLE;
	return rv;
}

static CK_RV
create_object(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG n,
    CK_OBJECT_HANDLE_PTR ret)
{
	struct change c;
	CK_RV rv;

	if ((rv = gate_key_create(templ, n)) != CKR_OK ||
	    (rv = change_begin(&c, gate_makes_token(templ, n))) != CKR_OK)
		return rv;
	return change_end(&c, gate.engine->C_CreateObject(session, templ, n,
	    ret));
}

static CK_RV
generate_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR ret)
{
	const struct rm_mode_rule *rule;
	struct change c;
	CK_RV rv;

	if ((rv = gate_use_check(mechanism, RM_USE_GENERATE, &rule)) !=
	    CKR_OK || (rv = gate_key_generate(rule, templ, n)) != CKR_OK ||
	    (rv = change_begin(&c, gate_makes_token(templ, n))) != CKR_OK)
		return rv;
	rv = gate.engine->C_GenerateKey(session, mechanism, templ, n, ret);
	if (rv == CKR_OK)
		rv = keep(session, ret, false);
	return change_end(&c, rv);
}

static CK_RV
generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_ATTRIBUTE_PTR public, CK_ULONG n_public, CK_ATTRIBUTE_PTR private,
    CK_ULONG n_private, CK_OBJECT_HANDLE_PTR ret_public,
    CK_OBJECT_HANDLE_PTR ret_private)
{
	const struct rm_mode_rule *rule;
	struct change c;
	CK_RV rv;

	if ((rv = gate_use_check(mechanism, RM_USE_GENERATE, &rule)) !=
	    CKR_OK ||
	    (rv = gate_key_generate(rule, public, n_public)) != CKR_OK ||
	    (rv = gate_key_generate(rule, private, n_private)) != CKR_OK ||
	    (rv = change_begin(&c, gate_makes_token(public, n_public) ||
	    gate_makes_token(private, n_private))) != CKR_OK)
		return rv;
	rv = gate.engine->C_GenerateKeyPair(session, mechanism, public,
	    n_public, private, n_private, ret_public, ret_private);
	if (rv == CKR_OK) {
		rv = keep(session, ret_private, false);
		if (keep(session, ret_public, false) != CKR_OK && rv == CKR_OK)
			rv = CKR_KEY_SIZE_RANGE;
	}
	return change_end(&c, rv);
}

static CK_RV
wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE with, CK_OBJECT_HANDLE key, CK_BYTE_PTR ret,
    CK_ULONG_PTR ret_len)
{
	const struct rm_mode_rule *rule;
	CK_RV rv;

	if ((rv = gate_use_check(mechanism, RM_USE_WRAP, &rule)) != CKR_OK ||
	    (rv = gate_key_use(session, with, rule)) != CKR_OK)
		return rv;
	return gate.engine->C_WrapKey(session, mechanism, with, key, ret,
	    ret_len);
}

/* What a client asks of an unwrapped key, as far as its size goes. */
static CK_ULONG
find_class(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE *ret_type)
{
	CK_ULONG i, class = CKO_VENDOR_DEFINED;

	for (i = 0; templ != NULL && i < n; i++)
		if (templ[i].type == CKA_KEY_TYPE)
			*ret_type = templ[i];
		else if (templ[i].type == CKA_CLASS &&
		    templ[i].pValue != NULL &&
		    templ[i].ulValueLen == sizeof(class))
			memcpy(&class, templ[i].pValue, sizeof(class));
	return class;
}

/*
 * Unwraps a secret key for a moment as one whose length can be seen: of one
 * that is to be sensitive, nobody could tell it later.
 */
static CK_RV
measure(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE with, CK_BYTE_PTR wrapped, CK_ULONG len,
    const CK_ATTRIBUTE *type)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE plain[] = {
		{ CKA_CLASS, &class, sizeof(class) }, *type,
		{ CKA_TOKEN, &no, 1 }, { CKA_SENSITIVE, &no, 1 },
		{ CKA_EXTRACTABLE, &yes, 1 },
	};
	CK_OBJECT_HANDLE key;
	CK_RV rv;

	rv = gate.engine->C_UnwrapKey(session, mechanism, with, wrapped, len,
	    plain, sizeof(plain) / sizeof(plain[0]), &key);
	if (rv != CKR_OK)
		return rv;
	rv = gate_key_stay(session, key, false);
	if (gate.engine->C_DestroyObject(session, key) != CKR_OK)
		rm_warnx("a measured key could not be destroyed");
	return rv;
}

static CK_RV
unwrap_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE with, CK_BYTE_PTR wrapped, CK_ULONG len,
    CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR ret)
{
	const struct rm_mode_rule *rule;
	CK_ATTRIBUTE type = { CKA_KEY_TYPE, NULL, 0 };
	struct change c;
	bool secret;
	CK_RV rv;

	if ((rv = gate_use_check(mechanism, RM_USE_UNWRAP, &rule)) != CKR_OK ||
	    (rv = gate_key_use(session, with, rule)) != CKR_OK)
		return rv;
	secret = !gate_key_unlimited() &&
	    find_class(templ, n, &type) == CKO_SECRET_KEY;
	if (secret && (rv = measure(session, mechanism, with, wrapped, len,
	    &type)) != CKR_OK)
		return rv;
	if ((rv = change_begin(&c, gate_makes_token(templ, n))) != CKR_OK)
		return rv;
	rv = gate.engine->C_UnwrapKey(session, mechanism, with, wrapped, len,
	    templ, n, ret);
	if (rv == CKR_OK)
		rv = keep(session, ret, secret);
	return change_end(&c, rv);
}

static CK_RV
derive_key(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE base, CK_ATTRIBUTE_PTR templ, CK_ULONG n,
    CK_OBJECT_HANDLE_PTR ret)
{
	const struct rm_mode_rule *rule;
	struct change c;
	CK_RV rv;

	if ((rv = gate_use_check(mechanism, RM_USE_DERIVE, &rule)) != CKR_OK ||
	    (rv = gate_key_use(session, base, rule)) != CKR_OK ||
	    (rv = change_begin(&c, gate_makes_token(templ, n))) != CKR_OK)
		return rv;
	rv = gate.engine->C_DeriveKey(session, mechanism, base, templ, n,
	    ret);
	if (rv == CKR_OK && ret != NULL)
		rv = keep(session, ret, false);
	return change_end(&c, rv);
}

void
gate_make_install(CK_FUNCTION_LIST_PTR list)
{
	list->C_CreateObject = create_object;
	list->C_GenerateKey = generate_key;
	list->C_GenerateKeyPair = generate_key_pair;
	list->C_WrapKey = wrap_key;
	list->C_UnwrapKey = unwrap_key;
	list->C_DeriveKey = derive_key;
}
