/* SPDX-License-Identifier: ISC */
/*
 * Counts the clients' calls for the console (rm_tally.h): one atomic addition
 * each, with no system call.  It is put over all that the other parts have
 * installed, so that what they ask the engine themselves is not counted.
 */
#include "gate.h"

#include "rm_tally.h"

static CK_FUNCTION_LIST under;

/* PKCS#11 2.40, in the order of its list. */
#define CALLS(X1, X2, X3, X4, X5, X6, X8)				\
	X1(Initialize, CK_VOID_PTR)					\
	X1(Finalize, CK_VOID_PTR)					\
	X1(GetInfo, CK_INFO_PTR)					\
	X3(GetSlotList, CK_BBOOL, CK_SLOT_ID_PTR, CK_ULONG_PTR)		\
	X2(GetSlotInfo, CK_SLOT_ID, CK_SLOT_INFO_PTR)			\
	X2(GetTokenInfo, CK_SLOT_ID, CK_TOKEN_INFO_PTR)			\
	X3(WaitForSlotEvent, CK_FLAGS, CK_SLOT_ID_PTR, CK_VOID_PTR)	\
	X3(GetMechanismList, CK_SLOT_ID, CK_MECHANISM_TYPE_PTR, CK_ULONG_PTR)\
	X3(GetMechanismInfo, CK_SLOT_ID, CK_MECHANISM_TYPE,		\
	    CK_MECHANISM_INFO_PTR)					\
	X4(InitToken, CK_SLOT_ID, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR)	\
	X3(InitPIN, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG)		\
	X5(SetPIN, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,\
	    CK_ULONG)							\
	X5(OpenSession, CK_SLOT_ID, CK_FLAGS, CK_VOID_PTR, CK_NOTIFY,	\
	    CK_SESSION_HANDLE_PTR)					\
	X1(CloseSession, CK_SESSION_HANDLE)				\
	X1(CloseAllSessions, CK_SLOT_ID)				\
	X2(GetSessionInfo, CK_SESSION_HANDLE, CK_SESSION_INFO_PTR)	\
	X3(GetOperationState, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR)\
	X5(SetOperationState, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,	\
	    CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)				\
	X4(Login, CK_SESSION_HANDLE, CK_USER_TYPE, CK_BYTE_PTR, CK_ULONG)\
	X1(Logout, CK_SESSION_HANDLE)					\
	X4(CreateObject, CK_SESSION_HANDLE, CK_ATTRIBUTE_PTR, CK_ULONG,	\
	    CK_OBJECT_HANDLE_PTR)					\
	X5(CopyObject, CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ATTRIBUTE_PTR,\
	    CK_ULONG, CK_OBJECT_HANDLE_PTR)				\
	X2(DestroyObject, CK_SESSION_HANDLE, CK_OBJECT_HANDLE)		\
	X3(GetObjectSize, CK_SESSION_HANDLE, CK_OBJECT_HANDLE, CK_ULONG_PTR)\
	X4(GetAttributeValue, CK_SESSION_HANDLE, CK_OBJECT_HANDLE,	\
	    CK_ATTRIBUTE_PTR, CK_ULONG)					\
	X4(SetAttributeValue, CK_SESSION_HANDLE, CK_OBJECT_HANDLE,	\
	    CK_ATTRIBUTE_PTR, CK_ULONG)					\
	X3(FindObjectsInit, CK_SESSION_HANDLE, CK_ATTRIBUTE_PTR, CK_ULONG)\
	X4(FindObjects, CK_SESSION_HANDLE, CK_OBJECT_HANDLE_PTR, CK_ULONG,\
	    CK_ULONG_PTR)						\
	X1(FindObjectsFinal, CK_SESSION_HANDLE)				\
	X3(EncryptInit, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE)\
	X5(Encrypt, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,\
	    CK_ULONG_PTR)						\
	X5(EncryptUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,	\
	    CK_BYTE_PTR, CK_ULONG_PTR)					\
	X3(EncryptFinal, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR)	\
	X3(DecryptInit, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE)\
	X5(Decrypt, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,\
	    CK_ULONG_PTR)						\
	X5(DecryptUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,	\
	    CK_BYTE_PTR, CK_ULONG_PTR)					\
	X3(DecryptFinal, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR)	\
	X2(DigestInit, CK_SESSION_HANDLE, CK_MECHANISM_PTR)		\
	X5(Digest, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,\
	    CK_ULONG_PTR)						\
	X3(DigestUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG)	\
	X2(DigestKey, CK_SESSION_HANDLE, CK_OBJECT_HANDLE)		\
	X3(DigestFinal, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR)	\
	X3(SignInit, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE)\
	X5(Sign, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,	\
	    CK_ULONG_PTR)						\
	X3(SignUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG)	\
	X3(SignFinal, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR)	\
	X3(SignRecoverInit, CK_SESSION_HANDLE, CK_MECHANISM_PTR,	\
	    CK_OBJECT_HANDLE)						\
	X5(SignRecover, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,\
	    CK_ULONG_PTR)						\
	X3(VerifyInit, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE)\
	X5(Verify, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,\
	    CK_ULONG)							\
	X3(VerifyUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG)	\
	X3(VerifyFinal, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG)	\
	X3(VerifyRecoverInit, CK_SESSION_HANDLE, CK_MECHANISM_PTR,	\
	    CK_OBJECT_HANDLE)						\
	X5(VerifyRecover, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,	\
	    CK_BYTE_PTR, CK_ULONG_PTR)					\
	X5(DigestEncryptUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,\
	    CK_BYTE_PTR, CK_ULONG_PTR)					\
	X5(DecryptDigestUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,\
	    CK_BYTE_PTR, CK_ULONG_PTR)					\
	X5(SignEncryptUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,	\
	    CK_BYTE_PTR, CK_ULONG_PTR)					\
	X5(DecryptVerifyUpdate, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG,\
	    CK_BYTE_PTR, CK_ULONG_PTR)					\
	X5(GenerateKey, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_ATTRIBUTE_PTR,\
	    CK_ULONG, CK_OBJECT_HANDLE_PTR)				\
	X8(GenerateKeyPair, CK_SESSION_HANDLE, CK_MECHANISM_PTR,	\
	    CK_ATTRIBUTE_PTR, CK_ULONG, CK_ATTRIBUTE_PTR, CK_ULONG,	\
	    CK_OBJECT_HANDLE_PTR, CK_OBJECT_HANDLE_PTR)			\
	X6(WrapKey, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE,\
	    CK_OBJECT_HANDLE, CK_BYTE_PTR, CK_ULONG_PTR)		\
	X8(UnwrapKey, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE,\
	    CK_BYTE_PTR, CK_ULONG, CK_ATTRIBUTE_PTR, CK_ULONG,		\
	    CK_OBJECT_HANDLE_PTR)					\
	X6(DeriveKey, CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE,\
	    CK_ATTRIBUTE_PTR, CK_ULONG, CK_OBJECT_HANDLE_PTR)		\
	X3(SeedRandom, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG)	\
	X3(GenerateRandom, CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG)	\
	X1(GetFunctionStatus, CK_SESSION_HANDLE)			\
	X1(CancelFunction, CK_SESSION_HANDLE)

#define COUNT(f, PARAMETERS, ARGUMENTS)					\
static CK_RV								\
count_##f PARAMETERS							\
{									\
	rm_tally_add(RM_TALLY_CALLS, 1);				\
	return under.C_##f ARGUMENTS;					\
}
#define COUNT1(f, A) \
	COUNT(f, (A a), (a))
#define COUNT2(f, A, B) \
	COUNT(f, (A a, B b), (a, b))
#define COUNT3(f, A, B, C) \
	COUNT(f, (A a, B b, C c), (a, b, c))
#define COUNT4(f, A, B, C, D) \
	COUNT(f, (A a, B b, C c, D d), (a, b, c, d))
#define COUNT5(f, A, B, C, D, E) \
	COUNT(f, (A a, B b, C c, D d, E e), (a, b, c, d, e))
#define COUNT6(f, A, B, C, D, E, F) \
	COUNT(f, (A a, B b, C c, D d, E e, F f), (a, b, c, d, e, f))
#define COUNT8(f, A, B, C, D, E, F, G, H) \
	COUNT(f, (A a, B b, C c, D d, E e, F f, G g, H h), \
	    (a, b, c, d, e, f, g, h))

CALLS(COUNT1, COUNT2, COUNT3, COUNT4, COUNT5, COUNT6, COUNT8)

#define INSTALL(f, ...)	list->C_##f = count_##f;

void
gate_count_install(CK_FUNCTION_LIST_PTR list)
{
	rm_tally_open();
	under = *list;
	CALLS(INSTALL, INSTALL, INSTALL, INSTALL, INSTALL, INSTALL,
	    INSTALL)
}
