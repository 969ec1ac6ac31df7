/* SPDX-License-Identifier: ISC */
#ifndef P11_H
#define P11_H

#include <stdbool.h>

#include <p11-kit/pkcs11.h>

/* What the probes of a PKCS#11 module share; a fault of theirs ends them. */

#define P11_BYTES	1024

/* Loads and initializes a module; its functions. */
CK_FUNCTION_LIST_PTR p11_open(const char *module);

/* The first slot with a token. */
CK_SLOT_ID p11_slot(CK_FUNCTION_LIST_PTR p11);

/* A new read-write session; with a PIN (not NULL), logged in. */
CK_SESSION_HANDLE p11_session(CK_FUNCTION_LIST_PTR p11, CK_SLOT_ID slot,
    const char *pin);

/* "OK", "MECHANISM_INVALID", ... or the number; static. */
const char *p11_name(CK_RV rv);

/* Dies unless the call, named what, gave CKR_OK. */
void p11_must(CK_RV rv, const char *what);

/* Key pairs: RSA of so many bits, or P-256 (bits 0); of the token or not. */
CK_RV p11_pair(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session,
    CK_ULONG bits, bool token, CK_OBJECT_HANDLE *ret_public,
    CK_OBJECT_HANDLE *ret_private);

/* A session's AES (bytes 16, 24, 32) or generic secret key. */
CK_RV p11_secret(CK_FUNCTION_LIST_PTR p11, CK_SESSION_HANDLE session,
    CK_MECHANISM_TYPE generator, CK_ULONG bytes, CK_OBJECT_HANDLE *ret);

#endif
