/* SPDX-License-Identifier: ISC */
/*
 * Changes: a turnstile of two locked files keeps them out of snapshots, each
 * is on disk before it is confirmed, and taken back if it was cut (undo.c).
 *
 *	a change:	flock SH gate; flock SH db; unlock gate; CALL; unlock db
 *	a snapshot:	flock -x gate.lock flock -x db.lock cp -a tokens image
 *
 * One lock would not do: the snapshot would wait as long as two changes
 * overlap.  At the turnstile it waits for those under way only, and those that
 * come later wait for it.  The locks are flock(2), so that flock(1) can take
 * the snapshot, and belong to an open file: each call opens its own, so that
 * the threads of a client do not let each other in.
 */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int
gate_lock(const char *name, int how)
{
	char path[PATH_MAX];
	int fd, rc;

	(void)snprintf(path, sizeof(path), "%s/%s", gate.state, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1) {
		rm_warn("unable to open %s", path);
		return -1;
	}
	while ((rc = flock(fd, how)) == -1 && errno == EINTR)
		;
	if (rc == -1) {
		rm_warn("unable to lock %s", path);
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Through the turnstile, and, for what is there already, alone. */
static CK_RV
enter(struct gate_write *w, enum gate_change change)
{
	int first;

	w->token = -1;
	if ((first = gate_lock("gate.lock", LOCK_SH)) == -1)
		return CKR_DEVICE_ERROR;
	w->db = gate_lock("db.lock", LOCK_SH);
	/* Closing unlocks: nothing else has this open file. */
	(void)close(first);
	if (w->db == -1)
		return CKR_DEVICE_ERROR;
	if (change == GATE_MAKES ||
	    (w->token = gate_lock("token.lock", LOCK_EX)) != -1)
		return CKR_OK;
	(void)close(w->db);
	return CKR_DEVICE_ERROR;
}

static void
leave(struct gate_write *w)
{
	if (w->token != -1)
		(void)close(w->token);
	(void)close(w->db);
}

CK_RV
gate_write_begin(struct gate_write *ret, enum gate_change change)
{
	CK_RV rv;

	if ((rv = enter(ret, change)) != CKR_OK)
		return rv;
	/* Somebody may have died while we waited for his lock. */
	if (change == GATE_CHANGES && gate_undo_left() &&
	    (rv = gate_undo_recover()) != CKR_OK) {
		leave(ret);
		return rv;
	}
	gate_undo_begin(&ret->undo, change == GATE_CHANGES);
	return CKR_OK;
}

/* Refused changes are synced too: engines write even then (a failed log-in). */
CK_RV
gate_write_end(struct gate_write *w, CK_RV rv)
{
	bool good = syncfs(gate.tokens) == 0;

	/* Not before that: until then it could be taken back. */
	good = gate_undo_end(&w->undo) == 0 && good;
	leave(w);
	if (good)
		return rv;
	rm_warn("a change may not be on disk");
	return CKR_DEVICE_ERROR;
}

CK_RV
gate_write_recover(void)
{
	struct gate_write w;
	CK_RV rv;

	if ((rv = enter(&w, GATE_CHANGES)) != CKR_OK)
		return rv;
	rv = gate_undo_recover();
	leave(&w);
	return rv;
}

CK_RV
gate_write_check(void)
{
	static const char *const names[] = { "gate.lock", "db.lock" };
	char path[PATH_MAX];
	size_t i;
	int fd;

	for (i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", gate.state,
		    names[i]);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
		if (fd == -1) {
			rm_fatalx("unable to open %s: %s", path,
			    strerror(errno));
			return CKR_DEVICE_ERROR;
		}
		(void)close(fd);
	}
	return CKR_OK;
}

bool
gate_makes_token(const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	CK_ULONG i;

	for (i = 0; templ != NULL && i < n; i++)
		if (templ[i].type == CKA_TOKEN &&
		    (templ[i].pValue == NULL || templ[i].ulValueLen != 1 ||
		    *(const CK_BBOOL *)templ[i].pValue != CK_FALSE))
			return true;
	return false;
}

bool
gate_is_token(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	CK_BBOOL token = CK_TRUE;
	CK_ATTRIBUTE a = { CKA_TOKEN, &token, sizeof(token) };

	return gate.engine->C_GetAttributeValue(session, object, &a, 1) !=
	    CKR_OK || token != CK_FALSE;
}

static CK_RV
copy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR ret)
{
	struct gate_write w;
	CK_RV rv;

	if (!gate_makes_token(templ, n) && !gate_is_token(session, object))
		return gate.engine->C_CopyObject(session, object, templ, n,
		    ret);
	if ((rv = gate_write_begin(&w, GATE_MAKES)) != CKR_OK)
		return rv;
	return gate_write_end(&w, gate.engine->C_CopyObject(session, object,
	    templ, n, ret));
}

static CK_RV
destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	struct gate_write w;
	CK_RV rv;

	gate_key_forget();
	if (!gate_is_token(session, object))
		return gate.engine->C_DestroyObject(session, object);
	if ((rv = gate_write_begin(&w, GATE_CHANGES)) != CKR_OK)
		return rv;
	return gate_write_end(&w, gate.engine->C_DestroyObject(session,
	    object));
}

static CK_RV
set_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_PTR templ, CK_ULONG n)
{
	struct gate_write w;
	CK_RV rv;

	if (!gate_is_token(session, object))
		return gate.engine->C_SetAttributeValue(session, object,
		    templ, n);
	if ((rv = gate_write_begin(&w, GATE_CHANGES)) != CKR_OK)
		return rv;
	return gate_write_end(&w, gate.engine->C_SetAttributeValue(session,
	    object, templ, n));
}

void
gate_write_install(CK_FUNCTION_LIST_PTR list)
{
	list->C_CopyObject = copy_object;
	list->C_DestroyObject = destroy_object;
	list->C_SetAttributeValue = set_attribute_value;
}
