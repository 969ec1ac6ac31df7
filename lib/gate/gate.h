/* SPDX-License-Identifier: ISC */
#ifndef RM_GATE_H
#define RM_GATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#include "rm_mode.h"
#include "rm_undo.h"

/*
 * rm-gate.so: what its parts share.  Each part puts its calls in place of the
 * engine's; a call that no part wants is the engine's own, at no cost.
 *
 * Locks are taken in this order: pin.lock, the turnstile (gate.lock, then
 * db.lock), token.lock.  No part keeps a lock
 * of this process over a call of the engine that may wait.
 */

/* Written once, before the first call of a client; read-only after that. */
struct gate {
	CK_FUNCTION_LIST_PTR engine;
	struct rm_mode mode;
	char state[PATH_MAX - 64];	/* room for a name behind it */
	int tokens;			/* folder; syncfs(2) makes it durable */
};
extern struct gate gate;

void gate_write_install(CK_FUNCTION_LIST_PTR list);
void gate_token_install(CK_FUNCTION_LIST_PTR list);
void gate_pin_install(CK_FUNCTION_LIST_PTR list);
void gate_use_install(CK_FUNCTION_LIST_PTR list);
void gate_make_install(CK_FUNCTION_LIST_PTR list);
void gate_watch_install(CK_FUNCTION_LIST_PTR list);
/* Last: over the parts above. */
void gate_count_install(CK_FUNCTION_LIST_PTR list);

/*
 * write.c: opens a lock file of the partition and waits for its lock (LOCK_SH
 * or LOCK_EX of flock(2)).  Returns a descriptor, of this call alone, whose
 * close(2) unlocks; -1, and it is logged.
 */
RM_MUST_CHECK int gate_lock(const char *name, int how);

/*
 * write.c: a change.  GATE_MAKES makes what was not there; GATE_CHANGES changes
 * the token's own record or objects that are there, one call at a time.
 * Between begin and end no snapshot is taken; end returns only when the change
 * is on disk: rv, or CKR_DEVICE_ERROR.  What is cut between them is taken back
 * by whoever comes next.  If begin does not return CKR_OK there is nothing to
 * end.  A gate_write stays where it is, in one thread.
 */
enum gate_change { GATE_MAKES, GATE_CHANGES };
struct gate_write {
	int db, token;
	struct rm_undo undo;
};
RM_MUST_CHECK CK_RV gate_write_begin(struct gate_write *ret,
    enum gate_change change);
CK_RV gate_write_end(struct gate_write *w, CK_RV rv);

/* write.c: takes back what the dead have left; no lock is held. */
RM_MUST_CHECK CK_RV gate_write_recover(void);

/* The turnstile's files exist and can be locked: CKR_OK, or it is logged. */
RM_MUST_CHECK CK_RV gate_write_check(void);

/* True unless the template makes, or the object is, one of the session only. */
bool gate_makes_token(const CK_ATTRIBUTE *templ, CK_ULONG n);
bool gate_is_token(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object);

/*
 * undo.c: the journal of a change, in this thread; what dead processes left of
 * theirs.  check opens the folder that the journals are in: 0, or -1 and it is
 * logged.  left and recover are called under the locks of a change.
 */
RM_MUST_CHECK int gate_undo_check(const char *tokens);
void gate_undo_begin(struct rm_undo *u, bool first);
RM_MUST_CHECK int gate_undo_end(struct rm_undo *u);
bool gate_undo_left(void);
bool gate_undo_any(void);	/* also of the living; under no lock */
RM_MUST_CHECK CK_RV gate_undo_recover(void);

/* undo.c: what an engine is to call instead of that function; or 0. */
uintptr_t gate_undo_instead(const char *name);

/*
 * graft.c: gives the module that has this address in it those functions.
 * False if it has none of them, or it cannot be done.
 */
bool gate_graft(uintptr_t inside);

/*
 * token.c: what an engine says of a token, never in the middle of a log-in of
 * another process.  The calls that change it are made under token.lock, too.
 */
RM_MUST_CHECK CK_RV gate_token_info(CK_SLOT_ID slot,
    CK_TOKEN_INFO_PTR ret);

/*
 * key.c: CKR_OK if the mode lets a key be used with a mechanism's rule, be in
 * the partition at all, or be made as the template says; the reason why not.
 * A key whose size the engine does not tell may stay only if it is known to
 * have been measured.  Templates with an attribute of size given twice are
 * refused: the engine might look at the other one.
 */
bool gate_key_unlimited(void);		/* nothing has to be looked for */
RM_MUST_CHECK CK_RV gate_key_use(CK_SESSION_HANDLE session,
    CK_OBJECT_HANDLE key, const struct rm_mode_rule *rule);
RM_MUST_CHECK CK_RV gate_key_stay(CK_SESSION_HANDLE session,
    CK_OBJECT_HANDLE key, bool measured);
RM_MUST_CHECK CK_RV gate_key_create(const CK_ATTRIBUTE *templ, CK_ULONG n);
RM_MUST_CHECK CK_RV gate_key_generate(const struct rm_mode_rule *rule,
    const CK_ATTRIBUTE *templ, CK_ULONG n);

/* Handles may mean other keys from now on; after a fork they do. */
void gate_key_forget(void);
void gate_key_forked(void);

/*
 * use.c: CKR_OK and the rule if the mode allows the mechanism, with its
 * parameter, for that use.
 */
RM_MUST_CHECK CK_RV gate_use_check(const CK_MECHANISM *mechanism,
    enum rm_use use, const struct rm_mode_rule **ret_rule);

/*
 * watch.c: remembers (or, with NULL, forgets) the rule of the signature or
 * verification that has begun in a session, so that the data can be held to
 * its hashes.
 */
CK_RV gate_watch(CK_SESSION_HANDLE session, enum rm_use use,
    const struct rm_mode_rule *rule);

#endif
