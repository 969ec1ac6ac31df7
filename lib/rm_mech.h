/* SPDX-License-Identifier: ISC */
#ifndef RM_MECH_H
#define RM_MECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The mechanisms of PKCS#11 2.40 and 3.0 by name, as mode files spell them
 * (rm-mode(5)), and what has to be known of each to hold it to a rule.
 */

/* In what C_GetMechanismInfo tells the sizes of keys. */
enum rm_mech_unit {
	RM_MECH_UNIT_NONE,	/* it has no keys, or tells nothing sensible */
	RM_MECH_UNIT_BITS,
	RM_MECH_UNIT_BYTES
};

/* Where a hash that the caller chose can be seen. */
enum rm_mech_hash {
	RM_MECH_HASH_NONE,	/* nowhere: the name of the mechanism says it */
	RM_MECH_HASH_PARAM,	/* in the parameter: PSS, OAEP */
	RM_MECH_HASH_INFO,	/* the data is a DigestInfo: PKCS#1 v1.5 */
	RM_MECH_HASH_DATA	/* the data is the hash itself: ECDSA, DSA */
};

struct rm_mech {
	const char *name;
	unsigned long number;
	enum rm_mech_unit unit;
	enum rm_mech_hash hash;
};

struct rm_mech_digest {
	unsigned long number;	/* CKM_ */
	unsigned long mgf;	/* CKG_MGF1_, 0 if it has none */
	uint8_t len;		/* of the digest, in bytes */
	uint8_t oid_len;
	const char *oid;	/* of the hash, DER with tag and length */
};

/* The mechanism of that name, or number; static; NULL if it is not known. */
const struct rm_mech *rm_mech_by_name(const char *name);
const struct rm_mech *rm_mech_by_number(unsigned long number);

/* The hash with that CKM_ number; static; NULL if it is none. */
const struct rm_mech_digest *rm_mech_digest(unsigned long number);

/*
 * True if data is what a caller who has hashed by itself hands in for a
 * signature: exactly the DigestInfo of PKCS#1 v1.5 (RM_MECH_HASH_INFO), or
 * as many bytes as the hash has (RM_MECH_HASH_DATA).  Pure.
 */
bool rm_mech_is_digest(const struct rm_mech_digest *digest,
    enum rm_mech_hash kind, const uint8_t *data, size_t len);

#endif
