/* SPDX-License-Identifier: ISC */
#ifndef RM_CERT_H
#define RM_CERT_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

#define RM_CERT_CN_MAX	65	/* bytes of a common name, with NUL */

/*
 * As much of an X.509 certificate as tells whose key it is.  Its dates,
 * extensions and signature mean nothing to the toolkit: only the key counts.
 */
struct rm_cert {
	const uint8_t *spki;		/* SubjectPublicKeyInfo, within der */
	size_t spki_len;
	char cn[RM_CERT_CN_MAX];	/* last CN of the subject, cleaned */
};

/*
 * Reads a certificate of which the first len bytes are there: it need not be
 * whole, if only its key is.  What kind of key that is, and whether it is one
 * at all, rm_pub_from_der knows.  Returns 0, or -1: no certificate, or not
 * enough of it.  Pure.
 */
RM_MUST_CHECK int rm_cert_parse(struct rm_cert *ret, const uint8_t *der,
    size_t len);

#endif
