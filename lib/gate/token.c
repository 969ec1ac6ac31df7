/* SPDX-License-Identifier: ISC */
/*
 * The token's own record, which SoftHSM empties and writes again at every
 * log-in: another process that looks at it just then finds no token, or one
 * without a PIN (of twenty that log in at once, three fail).  So who writes it
 * has token.lock for himself, and who reads it shares it.
 */
#include "gate.h"

#include <sys/file.h>
#include <unistd.h>

/* Nobody writes it now; what somebody has left who died is put back first. */
static int
share(void)
{
	int fd;

	while ((fd = gate_lock("token.lock", LOCK_SH)) != -1 &&
	    gate_undo_left()) {
		(void)close(fd);
		if (gate_write_recover() != CKR_OK)
			return -1;
	}
	return fd;
}

/* An answer, when whatever it needed has been let go. */
static CK_RV
done(int fd, CK_RV rv)
{
	(void)close(fd);
	return rv;
}

CK_RV
gate_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR ret)
{
	int fd = share();

	return fd == -1 ? CKR_DEVICE_ERROR :
	    done(fd, gate.engine->C_GetTokenInfo(slot, ret));
}

static CK_RV
initialize(CK_VOID_PTR args)
{
	int fd = -1;

	/* The engine reads its objects now, those that are half made, too. */
	if (!gate_undo_any() || gate_write_recover() == CKR_OK)
		fd = share();
	return fd == -1 ? CKR_DEVICE_ERROR :
	    done(fd, gate.engine->C_Initialize(args));
}

static CK_RV
get_slot_list(CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n)
{
	int fd = share();

	return fd == -1 ? CKR_DEVICE_ERROR :
	    done(fd, gate.engine->C_GetSlotList(present, list, n));
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info)
{
	int fd = share();

	return fd == -1 ? CKR_DEVICE_ERROR :
	    done(fd, gate.engine->C_GetSlotInfo(slot, info));
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application,
    CK_NOTIFY notify, CK_SESSION_HANDLE_PTR ret)
{
	int fd = share();

	return fd == -1 ? CKR_DEVICE_ERROR :
	    done(fd, gate.engine->C_OpenSession(slot, flags, application,
	    notify, ret));
}

void
gate_token_install(CK_FUNCTION_LIST_PTR list)
{
	list->C_Initialize = initialize;
	list->C_GetSlotList = get_slot_list;
	list->C_GetSlotInfo = get_slot_info;
	list->C_OpenSession = open_session;
}
