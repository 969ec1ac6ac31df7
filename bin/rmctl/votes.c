/* SPDX-License-Identifier: ISC */
/*
 * From a host's name to a session: cards vote until the quorum is complete.
 *
 *	PINs at hand			a person types the PIN
 *	------------			----------------------
 *	link_dial			link_dial, link_hello, link_greet
 *	card: look			link_close: no clock while typing
 *	link_hello, link_greet		card: look, ask for the PIN
 *	card: sign			link_dial, link_hello, link_greet
 *	present				card: sign; present
 *
 * and with the connection open, for every further card: look, sign, present.
 * If the first card is not there yet, the connection is closed meanwhile:
 * visitors are not waited for.
 */
#include "rmctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm_card.h"
#include "rm_num.h"
#include "rm_pub.h"
#include "rm_statement.h"

#define VOTES_MAX	64	/* on one connection */
#define ANSWER_MS	15000	/* of the appliance, to a vote */

static struct {
	struct rm_card *card;
	struct rm_card_news news;
	char manager[RM_NAME_MAX + 1];
	char used[VOTES_MAX][RM_HASH_HEX];	/* keys that have voted */
	size_t n_used;
	uint32_t have, need;			/* need 0: not known yet */
	bool keep;			/* votes are for another connection */
} v;

static int
start_card(void)
{
	const struct rm_card_want want = { .reader = rmctl_opts.reader,
		.slot = rmctl_opts.slot, .wait_ms = rmctl_opts.wait_ms,
		.answer_ms = rmctl_opts.answer_ms,
		.last_try = rmctl_opts.last_try,
		.pin_from_fd = rmctl_opts.pin_fd != -1,
		.pin_fd = rmctl_opts.pin_fd,
		.skip = (const char (*)[RM_HASH_HEX])v.used,
		.n_skip = v.n_used };

	if ((v.card = rm_card_start(&want)) == NULL)
		return rmctl_fail(RM_CODE_SYSTEM, "unable to work a card: %s",
		    strerror(errno));
	return RM_CODE_OK;
}

/* The appliance says something while a card is worked: rarely good news. */
static int
hear(struct link *l)
{
	struct rm_reply reply;
	int rc = link_next(l, &reply, 0);

	if (rc == LINK_NOTHING)
		return RM_CODE_OK;
	if (rc == RM_CODE_OK && reply.kind == RM_REPLY_REFUSED)
		return rmctl_fail(reply.code, "%s", reply.text);
	return rc;
}

/*
 * Waits for news of the card, and listens to the appliance meanwhile if the
 * connection is open.
 */
static int
next_news(struct link *l)
{
	int rc;

	while (l->up) {
		do
			rc = hear(l);
		while (rc == RM_CODE_OK && rm_talk_ready(&l->talk));
		if (rc != RM_CODE_OK)
			return rc;
		if (rm_card_wait(v.card, rm_tls_fd(l->tls, RM_TLS_READ)))
			break;
	}
	rm_card_next(v.card, &v.news);
	return RM_CODE_OK;
}

static int
card_failed(void)
{
	bool none = v.news.why.code == RM_CODE_NO_CARD ||
	    v.news.why.code == RM_CODE_NO_READER;

	if (none && v.have > 0)
		return rmctl_fail(RM_CODE_QUORUM, "%u of %u: %s", v.have,
		    v.need, v.news.why.text);
	return rmctl_fail(v.news.why.code, "%s", v.news.why.text);
}

static void
say_waiting(struct link *l)
{
	if (v.need == 0) {
		/* It may take long; nothing is lost by closing. */
		link_close(l);
		rmctl_info("insert a card (%s)", v.news.why.text);
	} else {
		rmctl_info("card %u of %u: insert another card (%s)",
		    v.have + 1, v.need, v.news.why.text);
	}
}

/* Waits until the card is as far as what; other good news is passed over. */
static int
await(struct link *l, enum rm_card_what what)
{
	int rc;

	do {
		if ((rc = next_news(l)) != RM_CODE_OK)
			return rc;
		if (v.news.what == RM_CARD_FAILED)
			return card_failed();
		if (v.news.what == RM_CARD_WAITING)
			say_waiting(l);
	} while (v.news.what != what);
	return RM_CODE_OK;
}

static int
connect_to(struct link *l)
{
	int rc;

	if ((rc = link_dial(l)) != RM_CODE_OK ||
	    (rc = link_hello(l)) != RM_CODE_OK)
		return rc;
	return link_greet(l);
}

/* Who commands: told, or the person whose card is the first. */
static int
choose_manager(void)
{
	const char *name = v.keep ? rmctl_opts.for_whom : rmctl_opts.as;

	if (name == NULL)
		name = v.news.card.cn;
	if (!rm_text_is_name(name))
		return rmctl_fail(RM_CODE_USAGE, "the card's name, %s, is no "
		    "custodian's: use --as NAME", name);
	strcpy(v.manager, name);
	return RM_CODE_OK;
}

/* Has the card that was SEEN sign. */
static int
sign(struct link *l)
{
	char text[RM_STATEMENT_MAX];
	struct rm_statement st = { .appliance = l->peer.keyid,
		.arming = l->greeting.arming, .rules = l->greeting.rules,
		.channel = l->channel, .manager = v.manager,
		.signer = v.news.card.keyid };

	if (rm_statement_session(text, &st) == -1)
		return rmctl_fail(RM_CODE_SYSTEM, "unable to write what is to "
		    "be signed");
	if (rm_card_sign(v.card, text, strlen(text)) == -1)
		return rmctl_fail(RM_CODE_CARD_LOST, "the card's process is "
		    "gone");
	return RM_CODE_OK;
}

static int
take_answer(struct link *l)
{
	int64_t deadline = rm_num_now_ms() + ANSWER_MS;
	struct rm_reply reply;
	int rc;

	do {
		rc = link_next(l, &reply, deadline);
		if (rc == LINK_NOTHING)
			return rmctl_fail(RM_CODE_CONNECTION, "the appliance "
			    "does not answer a vote");
		if (rc != RM_CODE_OK)
			return rc;
	} while (reply.kind != RM_REPLY_DONE && reply.kind != RM_REPLY_REFUSED);
	if (reply.kind == RM_REPLY_REFUSED)
		return rmctl_fail(reply.code, "%s", reply.text);
	/* Whoever leaves a vote does not go on from there. */
	if (!v.keep && rm_reply_quorum(&v.have, &v.need, reply.text) == -1)
		return rmctl_fail(RM_CODE_CONNECTION, "the appliance does not "
		    "say how far the quorum is");
	rmctl_info("%s", reply.text);
	return RM_CODE_OK;
}

static int
present(struct link *l)
{
	char line[RM_LINE_MAX], sig[RM_PUB_SIG_MAX * 2];
	const struct rm_card_news *n = &v.news;
	int len, rc;

	if (rm_hash_base64(sig, sizeof(sig), n->sig, n->sig_len) == -1)
		return rmctl_fail(RM_CODE_SYSTEM, "the signature is too long");
	len = snprintf(line, sizeof(line), "%s %s %s %s %s\n",
	    v.keep ? "keep" : "present", v.manager, n->card.keyid,
	    n->card.alg, sig);
	if ((rc = link_send(l, line, (size_t)len)) != RM_CODE_OK)
		return rc;
	strcpy(v.used[v.n_used++], n->card.keyid);
	return take_answer(l);
}

/* The first card, and the connection that it votes on. */
static int
first_vote(struct link *l, bool typed)
{
	struct rm_card_facts seen;
	int rc;

	if ((rc = await(l, RM_CARD_SEEN)) != RM_CODE_OK ||
	    (rc = choose_manager()) != RM_CODE_OK)
		return rc;
	seen = v.news.card;
	if (typed) {
		if (rm_card_ask(v.card) == -1)
			return rmctl_fail(RM_CODE_CARD_LOST, "the card's "
			    "process is gone");
		if ((rc = await(l, RM_CARD_PIN)) != RM_CODE_OK)
			return rc;
	}
	if (!l->up && (rc = connect_to(l)) != RM_CODE_OK)
		return rc;
	v.news.card = seen;
	if ((rc = sign(l)) != RM_CODE_OK)
		return rc;
	witness_look(l);
	if ((rc = await(l, RM_CARD_SIGNED)) != RM_CODE_OK)
		return rc;
	return present(l);
}

static int
next_vote(struct link *l)
{
	int rc;

	if (v.n_used == VOTES_MAX)
		return rmctl_fail(RM_CODE_QUORUM, "%u of %u after %zu votes",
		    v.have, v.need, v.n_used);
	rm_card_free(v.card);
	if ((rc = start_card()) != RM_CODE_OK ||
	    (rc = await(l, RM_CARD_SEEN)) != RM_CODE_OK ||
	    (rc = sign(l)) != RM_CODE_OK ||
	    (rc = await(l, RM_CARD_SIGNED)) != RM_CODE_OK)
		return rc;
	return present(l);
}

/* To the first vote, on the way that typing or not typing the PIN asks for. */
static int
begin(struct link *l, const char *where)
{
	bool typed = rmctl_opts.pin_fd == -1;
	int rc;

	if ((rc = link_find(l, where)) != RM_CODE_OK ||
	    (rc = link_dial(l)) != RM_CODE_OK ||
	    (!typed && (rc = start_card()) != RM_CODE_OK) ||
	    (rc = link_hello(l)) != RM_CODE_OK ||
	    (rc = link_greet(l)) != RM_CODE_OK)
		return rc;
	if (typed) {
		link_end(l);
		link_close(l);
		if ((rc = start_card()) != RM_CODE_OK)
			return rc;
	}
	return first_vote(l, typed);
}

int
votes_give(struct link *l, const char *where)
{
	int rc = begin(l, where);

	while (rc == RM_CODE_OK && v.have < v.need)
		rc = next_vote(l);
	return rc;
}

int
votes_keep(struct link *l, const char *where)
{
	v.keep = true;
	return begin(l, where);
}

void
votes_end(void)
{
	rm_card_free(v.card);
	v.card = NULL;
}
