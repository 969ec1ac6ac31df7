/* SPDX-License-Identifier: ISC */
/*
 * Votes as they come: verified, recorded, and counted or kept.
 *
 *	present		counts here, with those that are kept for its manager
 *	keep		counts nowhere, until the manager presents a vote
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "kept.h"
#include "reader.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_event.h"
#include "rm_lock.h"
#include "rm_num.h"
#include "rm_peer.h"
#include "rm_signed.h"
#include "rm_refused.h"
#include "rm_tally.h"
#include "visit.h"

void
visit_count(struct visit *visit)
{
	if (visit->counted || visit->has_kept || visit->quorum.n > 0)
		return;
	visit->counted = true;
	rm_refused_add("remote.refused", "refused", 1, NULL, visit->ip);
}

void
visit_refuse(struct visit *visit, enum rm_code code, const char *text)
{
	rm_info("%s: refused: %s", visit->ip, text);
	rm_peer_say("! %s %s", rm_code_word(code), text);
	visit_count(visit);
}

static _Noreturn void
give_up(struct visit *visit, const char *why)
{
	char told[QUORUM_TEXT_MAX];

	rm_tally_add(RM_TALLY_REFUSED, 1);
	quorum_tell(&visit->quorum, told);
	rm_peer_say("! quorum-incomplete %s; %s", told, why);
	visit_count(visit);
	diex(RM_EXIT_REFUSED, "%s: refused: %s; %s", visit->ip, told, why);
}

/* The peer is no stranger any more: the listener learns it, time is longer. */
static void
admit(struct visit *visit)
{
	visit->deadline = rm_num_now_ms() + visit->next_ms;
	rm_peer_admit(&visit->admit_fd);
}

/* A vote whose signature verifies. */
struct signed_vote {
	const struct rm_vote *vote;
	const char *who;
	const char *text;	/* what was signed */
	struct rm_pub *pub;
};

/* Enough to prove away from the appliance who signed what. */
static int
record(struct visit *visit, const struct signed_vote *s)
{
	struct rm_event event;
	int rc;

	rm_event_begin(&event, "vote");
	rm_event_put(&event, "custodian", s->who);
	rm_event_put(&event, "manager", s->vote->manager);
	if (s->vote->kind == RM_VOTE_KEEP)
		rm_event_put(&event, "kept", "yes");
	rm_signed_put(&event, s->text, s->vote->sig, s->vote->sig_len,
	    s->pub);
	rc = rm_event_tell(&visit->log, &event, true, NULL);
	if (rc == -1)
		rm_warn("the log at %s does not take a vote", visit->log.path);
	/* Until the next vote may be long. */
	rm_event_let_go(&visit->log);
	return rc;
}

/*
 * Counts a verified vote, and with it those that are kept.  A person's second
 * card changes nothing, and so is not recorded.  What does not reach the disk
 * has not been said.  *ret_all is who counts together.
 */
static int
count_vote(struct visit *visit, const struct signed_vote *s,
    struct quorum *ret_all, struct kept_sum *ret_sum, struct rm_err *err)
{
	struct quorum next = visit->quorum;
	bool again = quorum_has(&next, s->who);

	if (next.n > 0 && strcmp(next.manager, s->vote->manager) != 0)
		return rm_err_set(err, RM_CODE_DENIED, "the votes before this "
		    "one were for %s", next.manager);
	if (!again)
		quorum_add(&next, s->who, s->vote->manager);
	*ret_all = next;
	kept_count(ret_all, &visit->terms, ret_sum);
	if (quorum_is_complete(ret_all) && !terms_hold(&visit->terms))
		return rm_err_set(err, RM_CODE_DENIED, "arming, policy or "
		    "custodians have changed: connect again");
	if (!again && record(visit, s) == -1)
		return rm_err_set(err, RM_CODE_SYSTEM, "the audit log does "
		    "not take the vote");
	/* Counted and spent in one step: we have the lock. */
	if (quorum_is_complete(ret_all))
		kept_void();
	visit->quorum = quorum_is_complete(ret_all) ? *ret_all : next;
	return 0;
}

/* Keeps a verified vote for another's connection; it counts nowhere yet. */
static int
keep_vote(struct visit *visit, const struct signed_vote *s,
    struct quorum *ret_all, struct kept_sum *ret_sum, struct rm_err *err)
{
	char session[PATH_MAX];

	if (strcmp(s->who, s->vote->manager) == 0)
		return rm_err_set(err, RM_CODE_DENIED, "one's own vote is "
		    "given on one's own connection, and not kept");
	/* It began when this visitor was here already. */
	rm_env_run_path(session, sizeof(session), "session");
	if (rm_lock_ask(session) != 0)
		return rm_err_set(err, RM_CODE_BUSY, "a session is under way");
	if (record(visit, s) == -1)
		return rm_err_set(err, RM_CODE_SYSTEM, "the audit log does "
		    "not take the vote");
	if (kept_put(s->who, s->vote, visit->channel, visit->keep_ms) == -1)
		return rm_err_set(err, RM_CODE_SYSTEM, "the vote cannot be "
		    "kept: %s", strerror(errno));
	visit->has_kept = true;
	memset(ret_all, 0, sizeof(*ret_all));
	ret_all->want = visit->quorum.want;
	strcpy(ret_all->manager, s->vote->manager);
	kept_count(ret_all, &visit->terms, ret_sum);
	return 0;
}

static void
tell(const struct visit *visit, const struct quorum *all,
    const struct kept_sum *sum)
{
	char told[QUORUM_TEXT_MAX], left[48] = "";

	quorum_tell(all, told);
	if (sum->n > 0 && !quorum_is_complete(all))
		(void)snprintf(left, sizeof(left), "; %llu s left",
		    (unsigned long long)sum->left_s);
	rm_info("%s: %s%s", visit->ip, told, left);
	rm_peer_say("+ %s%s", told, left);
	if (!quorum_is_complete(all))
		gather_tell(all, visit->ip);
}

static void
consider(struct visit *visit, const struct rm_vote *vote)
{
	char text[RM_STATEMENT_MAX];
	struct signed_vote s = { .vote = vote, .text = text };
	struct kept_sum sum;
	struct quorum all;
	struct rm_err err;
	int rc = -1;

	s.pub = terms_verify(&visit->terms, visit->channel, vote, &s.who,
	    text, &err);
	if (s.pub != NULL) {
		admit(visit);
		kept_lock();
		rc = vote->kind == RM_VOTE_KEEP ?
		    keep_vote(visit, &s, &all, &sum, &err) :
		    count_vote(visit, &s, &all, &sum, &err);
		kept_unlock();
	}
	if (rc == -1)
		visit_refuse(visit, err.code, err.text);
	else
		tell(visit, &all, &sum);
	rm_pub_free(s.pub);
}

/* The peer has said all: was it to leave votes for others, and no more? */
static _Noreturn void
say_goodbye(struct visit *visit)
{
	if (!visit->has_kept || visit->quorum.n > 0)
		give_up(visit, "no more votes came");
	exit(RM_EXIT_OK);
}

void
visit_collect(struct visit *visit)
{
	char log[PATH_MAX];
	struct rm_vote vote;
	int n;

	rm_env_run_path(log, sizeof(log), "audit.sock");
	visit->log = (struct rm_event_log){ .path = log, .fd = -1 };
	for (n = 0; !quorum_is_complete(&visit->quorum); n++) {
		if (n == RM_VOTES_MAX)
			give_up(visit, "one connection has 64 votes");
		rm_reader_ask(&visit->reader);
		if (n == 0) {
			rm_event_prepare(&visit->log);
			terms_warm_up(&visit->terms);
		}
		if (!rm_peer_wait(visit->reader.answer, visit->deadline))
			give_up(visit, "no valid vote in time");
		if (!reader_take(&visit->reader, &vote))
			diex(RM_EXIT_SYSTEM, "the reader failed");
		switch ((enum rm_vote_kind)vote.kind) {
		case RM_VOTE_GIVEN:
		case RM_VOTE_KEEP:
			consider(visit, &vote);
			break;
		case RM_VOTE_BAD:
			visit_refuse(visit, RM_CODE_USAGE, vote.why);
			break;
		case RM_VOTE_END:
			/* Who only looked has not been refused. */
			visit->counted = visit->counted || n == 0;
			say_goodbye(visit);
		case RM_VOTE_FULL:
			give_up(visit, "votes do not need so many bytes");
		}
	}
}
