/* SPDX-License-Identifier: ISC */
/*
 * Counts the clients' calls for the console (rm_tally.h): one atomic addition
 * each, with no system call.  It is put over all that the other parts have
 * installed, so that what they ask the engine themselves is not counted.
 */
#include "gate.h"

#include "rm_tally.h"

static CK_FUNCTION_LIST under;

/* The parameters that many calls have, and how they are passed on. */
#define NOTHING	(CK_VOID_PTR a), (a)
#define SLOT	(CK_SLOT_ID slot), (slot)
#define SESSION	(CK_SESSION_HANDLE s), (s)
#define OBJECT	(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o), (s, o)
#define WITH	CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k
#define KEY	(WITH), (s, m, k)
#define INPUT	(CK_SESSION_HANDLE s, CK_BYTE_PTR in, CK_ULONG n), (s, in, n)
#define OUTPUT	(CK_SESSION_HANDLE s, CK_BYTE_PTR out, CK_ULONG_PTR n),	\
		    (s, out, n)
#define BOTH	(CK_SESSION_HANDLE s, CK_BYTE_PTR in, CK_ULONG in_n,	\
		    CK_BYTE_PTR out, CK_ULONG_PTR n), (s, in, in_n, out, n)
#define VALUES	(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,		\
		    CK_ATTRIBUTE_PTR t, CK_ULONG n), (s, o, t, n)

/* PKCS#11 2.40, in the order of its list, but like with like. */
#define CALLS(X)							\
	X(Initialize, NOTHING) X(Finalize, NOTHING)			\
	X(GetInfo, (CK_INFO_PTR a), (a))				\
	X(GetSlotList, (CK_BBOOL a, CK_SLOT_ID_PTR b, CK_ULONG_PTR c),	\
	    (a, b, c))							\
	X(GetSlotInfo, (CK_SLOT_ID a, CK_SLOT_INFO_PTR b), (a, b))	\
	X(GetTokenInfo, (CK_SLOT_ID a, CK_TOKEN_INFO_PTR b), (a, b))	\
	X(WaitForSlotEvent, (CK_FLAGS a, CK_SLOT_ID_PTR b, CK_VOID_PTR c),\
	    (a, b, c))							\
	X(GetMechanismList, (CK_SLOT_ID a, CK_MECHANISM_TYPE_PTR b,	\
	    CK_ULONG_PTR c), (a, b, c))					\
	X(GetMechanismInfo, (CK_SLOT_ID a, CK_MECHANISM_TYPE b,		\
	    CK_MECHANISM_INFO_PTR c), (a, b, c))			\
	X(InitToken, (CK_SLOT_ID a, CK_BYTE_PTR b, CK_ULONG c,		\
	    CK_BYTE_PTR d), (a, b, c, d))				\
	X(InitPIN, INPUT)						\
	X(SetPIN, (CK_SESSION_HANDLE a, CK_BYTE_PTR b, CK_ULONG c,	\
	    CK_BYTE_PTR d, CK_ULONG e), (a, b, c, d, e))		\
	X(OpenSession, (CK_SLOT_ID a, CK_FLAGS b, CK_VOID_PTR c,	\
	    CK_NOTIFY d, CK_SESSION_HANDLE_PTR e), (a, b, c, d, e))	\
	X(CloseSession, SESSION) X(CloseAllSessions, SLOT)		\
	X(GetSessionInfo, (CK_SESSION_HANDLE a, CK_SESSION_INFO_PTR b),	\
	    (a, b))							\
	X(GetOperationState, OUTPUT)					\
	X(SetOperationState, (CK_SESSION_HANDLE a, CK_BYTE_PTR b,	\
	    CK_ULONG c, CK_OBJECT_HANDLE d, CK_OBJECT_HANDLE e),	\
	    (a, b, c, d, e))						\
	X(Login, (CK_SESSION_HANDLE a, CK_USER_TYPE b, CK_BYTE_PTR c,	\
	    CK_ULONG d), (a, b, c, d))					\
	X(Logout, SESSION)						\
	X(CreateObject, (CK_SESSION_HANDLE a, CK_ATTRIBUTE_PTR b,	\
	    CK_ULONG c, CK_OBJECT_HANDLE_PTR d), (a, b, c, d))		\
	X(CopyObject, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b,		\
	    CK_ATTRIBUTE_PTR c, CK_ULONG d, CK_OBJECT_HANDLE_PTR e),	\
	    (a, b, c, d, e))						\
	X(DestroyObject, OBJECT)					\
	X(GetObjectSize, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b,	\
	    CK_ULONG_PTR c), (a, b, c))					\
	X(GetAttributeValue, VALUES) X(SetAttributeValue, VALUES)	\
	X(FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE_PTR b,	\
	    CK_ULONG c), (a, b, c))					\
	X(FindObjects, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE_PTR b,	\
	    CK_ULONG c, CK_ULONG_PTR d), (a, b, c, d))			\
	X(FindObjectsFinal, SESSION)					\
	X(EncryptInit, KEY) X(Encrypt, BOTH)				\
	X(EncryptUpdate, BOTH) X(EncryptFinal, OUTPUT)			\
	X(DecryptInit, KEY) X(Decrypt, BOTH)				\
	X(DecryptUpdate, BOTH) X(DecryptFinal, OUTPUT)			\
	X(DigestInit, (CK_SESSION_HANDLE a, CK_MECHANISM_PTR b), (a, b))\
	X(Digest, BOTH) X(DigestUpdate, INPUT)				\
	X(DigestKey, OBJECT) X(DigestFinal, OUTPUT)			\
	X(SignInit, KEY) X(Sign, BOTH)					\
	X(SignUpdate, INPUT) X(SignFinal, OUTPUT)			\
	X(SignRecoverInit, KEY) X(SignRecover, BOTH)			\
	X(VerifyInit, KEY)						\
	X(Verify, (CK_SESSION_HANDLE a, CK_BYTE_PTR b, CK_ULONG c,	\
	    CK_BYTE_PTR d, CK_ULONG e), (a, b, c, d, e))		\
	X(VerifyUpdate, INPUT) X(VerifyFinal, INPUT)			\
	X(VerifyRecoverInit, KEY) X(VerifyRecover, BOTH)		\
	X(DigestEncryptUpdate, BOTH) X(DecryptDigestUpdate, BOTH)	\
	X(SignEncryptUpdate, BOTH) X(DecryptVerifyUpdate, BOTH)		\
	X(GenerateKey, (CK_SESSION_HANDLE a, CK_MECHANISM_PTR b,	\
	    CK_ATTRIBUTE_PTR c, CK_ULONG d, CK_OBJECT_HANDLE_PTR e),	\
	    (a, b, c, d, e))						\
	X(GenerateKeyPair, (CK_SESSION_HANDLE a, CK_MECHANISM_PTR b,	\
	    CK_ATTRIBUTE_PTR c, CK_ULONG d, CK_ATTRIBUTE_PTR e,		\
	    CK_ULONG f, CK_OBJECT_HANDLE_PTR g, CK_OBJECT_HANDLE_PTR h),\
	    (a, b, c, d, e, f, g, h))					\
	X(WrapKey, (WITH, CK_OBJECT_HANDLE a, CK_BYTE_PTR b,		\
	    CK_ULONG_PTR c), (s, m, k, a, b, c))			\
	X(UnwrapKey, (WITH, CK_BYTE_PTR a, CK_ULONG b,			\
	    CK_ATTRIBUTE_PTR c, CK_ULONG d, CK_OBJECT_HANDLE_PTR e),	\
	    (s, m, k, a, b, c, d, e))					\
	X(DeriveKey, (WITH, CK_ATTRIBUTE_PTR a, CK_ULONG b,		\
	    CK_OBJECT_HANDLE_PTR c), (s, m, k, a, b, c))		\
	X(SeedRandom, INPUT) X(GenerateRandom, INPUT)			\
	X(GetFunctionStatus, SESSION) X(CancelFunction, SESSION)

#define COUNT(f, ...)	COUNT_(f, __VA_ARGS__)
#define COUNT_(f, PARAMETERS, ARGUMENTS)				\
static CK_RV								\
count_##f PARAMETERS							\
{									\
	rm_tally_add(RM_TALLY_CALLS, 1);				\
	return under.C_##f ARGUMENTS;					\
}
CALLS(COUNT)

#define INSTALL(f, ...)	list->C_##f = count_##f;

void
gate_count_install(CK_FUNCTION_LIST_PTR list)
{
	rm_tally_open();
	under = *list;
	CALLS(INSTALL)
}
