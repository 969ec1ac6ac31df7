/* SPDX-License-Identifier: ISC */
/*
 * Keys, held to the mode: their size and curve where they are used, and where
 * they come into being.  A key may be in the partition exactly if the mode
 * lets one of its type and size be generated.  What is looked at is what the
 * engine says about the finished key; templates are looked at only so that
 * most of what is refused is never made.
 */
#include "gate.h"

#include <pthread.h>
#include <string.h>

#define EC_MONTGOMERY	0x41UL	/* CKK_EC_MONTGOMERY, PKCS#11 3.0 */
#define EC_MONTGOMERY_GEN 0x1056UL
#define NO_ATTRIBUTE	CKA_VENDOR_DEFINED

/* Which mechanism makes keys of a type, and which attribute tells their size:
 * of an object, and when the key's value is handed in. */
static const struct kind {
	CK_KEY_TYPE type;
	CK_MECHANISM_TYPE generator;
	CK_ATTRIBUTE_TYPE size, given;
} kinds[] = {
	{ CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, CKA_MODULUS, CKA_MODULUS },
	{ CKK_EC, CKM_EC_KEY_PAIR_GEN, CKA_EC_PARAMS, CKA_EC_PARAMS },
	{ CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKA_EC_PARAMS,
	    CKA_EC_PARAMS },
	{ EC_MONTGOMERY, EC_MONTGOMERY_GEN, CKA_EC_PARAMS, CKA_EC_PARAMS },
	{ CKK_AES, CKM_AES_KEY_GEN, CKA_VALUE_LEN, CKA_VALUE },
	{ CKK_GENERIC_SECRET, CKM_GENERIC_SECRET_KEY_GEN, CKA_VALUE_LEN,
	    CKA_VALUE },
	{ CKK_SHA_1_HMAC, CKM_GENERIC_SECRET_KEY_GEN, CKA_VALUE_LEN,
	    CKA_VALUE },
	{ CKK_SHA224_HMAC, CKM_GENERIC_SECRET_KEY_GEN, CKA_VALUE_LEN,
	    CKA_VALUE },
	{ CKK_SHA256_HMAC, CKM_GENERIC_SECRET_KEY_GEN, CKA_VALUE_LEN,
	    CKA_VALUE },
	{ CKK_SHA384_HMAC, CKM_GENERIC_SECRET_KEY_GEN, CKA_VALUE_LEN,
	    CKA_VALUE },
	{ CKK_SHA512_HMAC, CKM_GENERIC_SECRET_KEY_GEN, CKA_VALUE_LEN,
	    CKA_VALUE },
	{ CKK_DSA, CKM_DSA_KEY_PAIR_GEN, CKA_PRIME, CKA_PRIME },
	{ CKK_DH, CKM_DH_PKCS_KEY_PAIR_GEN, CKA_PRIME, CKA_PRIME },
	{ CKK_DES, CKM_DES_KEY_GEN, NO_ATTRIBUTE, NO_ATTRIBUTE },
	{ CKK_DES2, CKM_DES2_KEY_GEN, NO_ATTRIBUTE, NO_ATTRIBUTE },
	{ CKK_DES3, CKM_DES3_KEY_GEN, NO_ATTRIBUTE, NO_ATTRIBUTE },
};

/*
 * Keys that were found fit for a rule: asking the engine at every signature
 * takes as long as a third of one.  A handle means the same key until the
 * session or the object is gone; were one reused all the same, the key behind
 * it has still been held to the mode when it came.
 */
#define FIT	256
static struct {
	CK_OBJECT_HANDLE key;
	const struct rm_mode_rule *rule;
} fit[FIT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool
is_fit(CK_OBJECT_HANDLE key, const struct rm_mode_rule *rule)
{
	bool found;

	(void)pthread_mutex_lock(&lock);
	found = fit[key % FIT].key == key && fit[key % FIT].rule == rule;
	(void)pthread_mutex_unlock(&lock);
	return found;
}

static void
set_fit(CK_OBJECT_HANDLE key, const struct rm_mode_rule *rule)
{
	(void)pthread_mutex_lock(&lock);
	fit[key % FIT].key = key;
	fit[key % FIT].rule = rule;
	(void)pthread_mutex_unlock(&lock);
}

void
gate_key_forget(void)
{
	(void)pthread_mutex_lock(&lock);
	memset(fit, 0, sizeof(fit));
	(void)pthread_mutex_unlock(&lock);
}

void
gate_key_forked(void)
{
	(void)pthread_mutex_init(&lock, NULL);
	gate_key_forget();
}

/* In the normal mode there is nothing to look for. */
bool
gate_key_unlimited(void)
{
	return !gate.mode.deny && gate.mode.n == 0;
}

static const struct kind *
find_kind(CK_KEY_TYPE type)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

/* Bits of a big-endian number. */
static uint32_t
number_bits(const uint8_t *p, size_t len)
{
	uint32_t bits;
	uint8_t top;

	while (len > 0 && *p == 0) {
		p++;
		len--;
	}
	if (len == 0 || len > UINT32_MAX / 8)
		return 0;
	bits = (uint32_t)(len - 1) * 8;
	for (top = *p; top != 0; top >>= 1)
		bits++;
	return bits;
}

/* An attribute that tells the size of a key, against a rule. */
static CK_RV
judge(const struct rm_mode_rule *rule, const CK_ATTRIBUTE *a)
{
	CK_ULONG n = 0;
	uint64_t bits = 0;
	uint32_t curve_bits;

	if (a->pValue == NULL || a->ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	switch (a->type) {
	case CKA_MODULUS:
	case CKA_PRIME:
		bits = number_bits(a->pValue, a->ulValueLen);
		break;
	case CKA_VALUE:
		bits = (uint64_t)a->ulValueLen * 8;
		break;
	case CKA_EC_PARAMS:
		if (!rm_mode_curve(&gate.mode, a->pValue, a->ulValueLen,
		    &curve_bits))
			return CKR_CURVE_NOT_SUPPORTED;
		bits = curve_bits;
		break;
	default:
		/* CKA_MODULUS_BITS, CKA_PRIME_BITS, CKA_VALUE_LEN */
		if (a->ulValueLen != sizeof(n))
			return CKR_ATTRIBUTE_VALUE_INVALID;
		memcpy(&n, a->pValue, sizeof(n));
		if (n > UINT32_MAX)
			return CKR_KEY_SIZE_RANGE;
		bits = a->type == CKA_VALUE_LEN ? (uint64_t)n * 8 : n;
		break;
	}
	return bits < rule->min || bits > rule->max ? CKR_KEY_SIZE_RANGE :
	    CKR_OK;
}

/*
 * The length of a secret key, as an attribute of ours: some engines (SoftHSM,
 * of a key that was unwrapped) do not keep it, but tell how long a value is
 * that may be read.  False if nobody tells.  No value is ever read here.
 */
static bool
secret_size(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ULONG *ret)
{
	CK_ATTRIBUTE len = { CKA_VALUE_LEN, ret, sizeof(*ret) };
	CK_ATTRIBUTE value = { CKA_VALUE, NULL, 0 };

	if (gate.engine->C_GetAttributeValue(session, key, &len, 1) ==
	    CKR_OK && *ret > 0)
		return true;
	if (gate.engine->C_GetAttributeValue(session, key, &value, 1) !=
	    CKR_OK || value.ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return false;
	*ret = value.ulValueLen;
	return true;
}

/*
 * The size of a key that exists, as the engine tells it.  A secret key whose
 * size nobody tells was measured when it came; unless it comes just now.
 */
static CK_RV
judge_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
    const struct kind *kind, const struct rm_mode_rule *rule, bool measured)
{
	uint8_t value[RM_MODE_MAX / 8];
	CK_ATTRIBUTE a = { CKA_VENDOR_DEFINED, value, sizeof(value) };
	CK_ULONG len = 0;

	/* A type without sizes passes only where none is asked for. */
	if (kind == NULL || kind->size == NO_ATTRIBUTE)
		return rule->min == 0 && rule->max == UINT32_MAX ? CKR_OK :
		    CKR_KEY_SIZE_RANGE;
	a.type = kind->size;
	if (kind->size == CKA_VALUE_LEN) {
		if (!secret_size(session, key, &len)) {
			/* There is no AES key outside these. */
			if (kind->type == CKK_AES)
				measured = rule->min <= 128 &&
				    rule->max >= 256;
			return measured ? CKR_OK : CKR_KEY_SIZE_RANGE;
		}
		a.pValue = &len;
		a.ulValueLen = sizeof(len);
	} else if (gate.engine->C_GetAttributeValue(session, key, &a, 1) !=
	    CKR_OK) {
		return CKR_KEY_SIZE_RANGE;
	}
	return judge(rule, &a);
}

static CK_RV
key_type(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_KEY_TYPE *ret)
{
	CK_ATTRIBUTE a = { CKA_KEY_TYPE, ret, sizeof(*ret) };

	return gate.engine->C_GetAttributeValue(session, key, &a, 1);
}

CK_RV
gate_key_use(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
    const struct rm_mode_rule *rule)
{
	CK_KEY_TYPE type;
	CK_RV rv;

	if (gate_key_unlimited() || is_fit(key, rule))
		return CKR_OK;
	if ((rv = key_type(session, key, &type)) != CKR_OK)
		return rv;
	rv = judge_object(session, key, find_kind(type), rule, true);
	if (rv == CKR_OK)
		set_fit(key, rule);
	return rv;
}

CK_RV
gate_key_stay(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, bool measured)
{
	const struct rm_mode_rule *rule;
	const struct kind *kind;
	CK_KEY_TYPE type;
	CK_RV rv;

	if (gate_key_unlimited())
		return CKR_OK;
	if ((rv = key_type(session, key, &type)) != CKR_OK)
		return rv;
	if ((kind = find_kind(type)) == NULL)
		return gate.mode.deny ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
	if ((rule = rm_mode_find(&gate.mode, kind->generator)) == NULL)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return judge_object(session, key, kind, rule, measured);
}

/* The attribute of that type, if it is there exactly once. */
static CK_RV
find(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type,
    const CK_ATTRIBUTE **ret)
{
	CK_ULONG i;

	*ret = NULL;
	for (i = 0; templ != NULL && i < n; i++) {
		if (templ[i].type != type)
			continue;
		if (*ret != NULL)
			return CKR_TEMPLATE_INCONSISTENT;
		*ret = &templ[i];
	}
	return CKR_OK;
}

static CK_RV
find_number(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type,
    CK_ULONG *ret)
{
	const CK_ATTRIBUTE *a;
	CK_RV rv;

	if ((rv = find(templ, n, type, &a)) != CKR_OK)
		return rv;
	if (a == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	if (a->pValue == NULL || a->ulValueLen != sizeof(*ret))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	memcpy(ret, a->pValue, sizeof(*ret));
	return CKR_OK;
}

CK_RV
gate_key_create(const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	const struct rm_mode_rule *rule;
	const struct kind *kind;
	const CK_ATTRIBUTE *size;
	CK_ULONG class, type;
	CK_RV rv;

	if (gate_key_unlimited())
		return CKR_OK;
	if ((rv = find_number(templ, n, CKA_CLASS, &class)) != CKR_OK)
		return rv;
	if (class == CKO_DATA || class == CKO_CERTIFICATE)
		return CKR_OK;
	if ((rv = find_number(templ, n, CKA_KEY_TYPE, &type)) != CKR_OK)
		return rv;
	if ((kind = find_kind(type)) == NULL)
		return gate.mode.deny ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
	if ((rule = rm_mode_find(&gate.mode, kind->generator)) == NULL)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (kind->given == NO_ATTRIBUTE)
		return CKR_OK;
	if ((rv = find(templ, n, kind->given, &size)) != CKR_OK)
		return rv;
	return size == NULL ? CKR_TEMPLATE_INCOMPLETE : judge(rule, size);
}

CK_RV
gate_key_generate(const struct rm_mode_rule *rule, const CK_ATTRIBUTE *templ,
    CK_ULONG n)
{
	static const CK_ATTRIBUTE_TYPE sizes[] = { CKA_MODULUS_BITS,
		CKA_EC_PARAMS, CKA_VALUE_LEN, CKA_PRIME, CKA_PRIME_BITS };
	const CK_ATTRIBUTE *a;
	CK_RV rv;
	size_t i;

	if (gate_key_unlimited())
		return CKR_OK;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if ((rv = find(templ, n, sizes[i], &a)) != CKR_OK)
			return rv;
		if (a != NULL && (rv = judge(rule, a)) != CKR_OK)
			return rv;
	}
	return CKR_OK;
}
