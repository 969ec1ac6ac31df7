/* SPDX-License-Identifier: ISC */
/*
 * rm-card: what a custodian's card says in the console's own reader.
 * Fed by rm-console: the PIN is the one line of standard input, and is read in
 * the card's process alone (lib/rm_card.h).  It trusts nothing but a signature
 * by an enrolled key over the text that it has written itself, with the
 * caller's nonce; what was signed, and what was refused, is in the audit log
 * before it is told.  It decides nothing: who counts is rm-console.
 * Example: echo 123456 | rm-card unlock 0123456789abcdef0123456789abcdef
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_card.h"
#include "rm_custodians.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_event.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_pcsc.h"
#include "rm_signed.h"
#include "rm_statement.h"
#include "rm_text.h"

#define USAGE	"rm-card [-w seconds] drill|unlock nonce\n" \
		"       rm-card [-w seconds] operation nonce payload name " \
		"[arg ...]\n" \
		"       rm-card lock | watch"
#define WAIT_MS		30000
#define WAIT_MAX_MS	3600000
#define AGAIN_S		5	/* from one try to reach PC/SC to the next */

static struct {
	uint32_t wait_ms;
	char reader[RM_CARD_READER_MAX];	/* the setting, or empty */
	char custodians[PATH_MAX];
	struct rm_statement_console st;
	char appliance[RM_HASH_HEX];
} my;

/* --- the log -------------------------------------------------------------- */

static void
send_event(struct rm_event *ev)
{
	char path[PATH_MAX];

	rm_env_run_path(path, sizeof(path), "audit.sock");
	if (rm_event_send(ev, path, true, NULL) == -1)
		die(RM_EXIT_SYSTEM, "the log at %s does not take it", path);
}

static void
put_what(struct rm_event *ev)
{
	rm_event_put(ev, "purpose", my.st.purpose);
	if (my.st.n > 0)
		rm_event_put(ev, "operation", my.st.words[0]);
}

/* What was no custodian's consent: why, and whose card, as far as is known. */
static _Noreturn void
refuse(const struct rm_card_facts *card, const struct rm_err *why)
{
	struct rm_event ev;

	rm_event_begin(&ev, "card-refused");
	put_what(&ev);
	rm_event_put(&ev, "keyid", card->keyid);
	rm_event_put(&ev, "why", rm_code_word(why->code));
	send_event(&ev);
	diex(RM_EXIT_REFUSED, "refused: %s", why->text);
}

static void
record_signed(const char *who, const char *text, const struct rm_vote *vote,
    const struct rm_pub *pub)
{
	struct rm_event ev;

	rm_event_begin(&ev, "card");
	put_what(&ev);
	rm_event_put(&ev, "custodian", who);
	rm_signed_put(&ev, text, vote->sig, vote->sig_len, pub);
	send_event(&ev);
}

/* --- one card ------------------------------------------------------------- */

/* Where the end of who reads us can be seen: -1 if that is no pipe. */
static int
listener(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode) ?
	    STDOUT_FILENO : -1;
}

/* Ends the card's process, and us, when nobody is there to be told. */
static void
await(struct rm_card *card, enum rm_card_what what, struct rm_card_facts *seen,
    struct rm_card_news *ret)
{
	for (;;) {
		if (!rm_card_wait(card, listener())) {
			rm_card_free(card);
			diex(RM_EXIT_SYSTEM, "nobody waits for the card");
		}
		rm_card_next(card, ret);
		if (ret->what == what)
			return;
		if (ret->what == RM_CARD_FAILED) {
			rm_card_free(card);
			refuse(seen, &ret->why);
		}
	}
}

static void
write_text(char text[static RM_STATEMENT_CONSOLE], const char *keyid)
{
	my.st.appliance = my.appliance;
	my.st.signer = keyid;
	if (rm_statement_console(text, &my.st) == -1)
		diex(RM_EXIT_USAGE, "no text to be signed comes of that");
}

/* Has the card sign; fills what rm-auth makes of a vote's line. */
static void
sign(struct rm_card_facts *ret_card, struct rm_vote *ret_vote,
    char text[static RM_STATEMENT_CONSOLE])
{
	const struct rm_card_want want = { .wait_ms = my.wait_ms,
	    .reader = *my.reader != '\0' ? my.reader : NULL,
	    .slot = RM_CARD_SLOT, .answer_ms = RM_CARD_ANSWER_MS,
	    .pin_from_fd = true, .pin_fd = STDIN_FILENO };
	struct rm_card *card = rm_card_start(&want);
	struct rm_card_news news;

	if (card == NULL)
		die(RM_EXIT_SYSTEM, "unable to work a card");
	await(card, RM_CARD_SEEN, ret_card, &news);
	*ret_card = news.card;
	write_text(text, news.card.keyid);
	if (rm_card_sign(card, text, strlen(text)) == -1)
		die(RM_EXIT_SYSTEM, "the card's process is gone");
	await(card, RM_CARD_SIGNED, ret_card, &news);
	rm_card_free(card);
	memset(ret_vote, 0, sizeof(*ret_vote));
	ret_vote->kind = RM_VOTE_GIVEN;
	strcpy(ret_vote->keyid, ret_card->keyid);
	/* A word that is cut is no algorithm of any key. */
	(void)snprintf(ret_vote->alg, sizeof(ret_vote->alg), "%.*s",
	    RM_VOTE_ALG_MAX, ret_card->alg);
	memcpy(ret_vote->sig, news.sig, news.sig_len);
	ret_vote->sig_len = (uint32_t)news.sig_len;
}

static void
load_appliance(void)
{
	char path[PATH_MAX], text[128];

	rm_env_state_path(path, sizeof(path), "appliance");
	if (rm_io_load(path, text, sizeof(text)) == -1)
		die(RM_EXIT_USAGE, "unable to read %s", path);
	text[strcspn(text, "\n")] = '\0';
	if (!rm_text_is_hex(text, RM_HASH_HEX - 1))
		diex(RM_EXIT_USAGE, "%s does not hold a key", path);
	strcpy(my.appliance, text);
	rm_env_state_path(my.custodians, sizeof(my.custodians), "custodians");
	rm_env_conf(my.reader, sizeof(my.reader), "reader", "");
}

/* Prints who it was, by which key, and the PIN tries that there were. */
static void
one_card(void)
{
	char text[RM_STATEMENT_CONSOLE];
	struct rm_card_facts card = { .keyid = "" };
	struct rm_custodians list;
	struct rm_vote vote;
	struct rm_err err;
	struct rm_pub *pub;
	const char *who, *why;

	load_appliance();
	write_text(text, my.appliance);	/* before any card is waited for */
	sign(&card, &vote, text);
	if (rm_custodians_load(&list, my.custodians, &err) == -1)
		refuse(&card, &err);
	if ((who = rm_custodians_owner(&list, card.keyid)) == NULL) {
		(void)rm_err_set(&err, RM_CODE_NOT_ENROLLED,
		    "no custodian has the key %s", card.keyid);
		refuse(&card, &err);
	}
	if ((pub = rm_signed_key(my.custodians, who, card.keyid,
	    &why)) == NULL) {
		(void)rm_err_set(&err, RM_CODE_SYSTEM, "the enrolled key of "
		    "%s cannot be used: %s", who, why);
		refuse(&card, &err);
	}
	if (rm_signed_check(&vote, pub, text, "this appliance", &err) == -1)
		refuse(&card, &err);
	record_signed(who, text, &vote, pub);
	rm_pub_free(pub);
	(void)printf("%s %s %d\n", who, card.keyid, card.tries);
}

/* --- lock, watch ---------------------------------------------------------- */

static void
record_lock(void)
{
	struct rm_event ev;

	rm_event_begin(&ev, "console-locked");
	send_event(&ev);
}

static bool
has_card(const struct rm_pcsc_reader *reader)
{
	return (reader->present || reader->mute) &&
	    strstr(reader->name, my.reader) != NULL;
}

static bool
was_there(const struct rm_pcsc_reader *before, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(before[i].name, name) == 0 && has_card(&before[i]))
			return true;
	return false;
}

/* A card that was not in that reader a moment ago: a line for each. */
static void
tell_new(const struct rm_pcsc_reader *before, size_t n_before,
    const struct rm_pcsc_reader *now, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (has_card(&now[i]) &&
		    !was_there(before, n_before, now[i].name))
			(void)printf("inserted\n");
	if (fflush(stdout) != 0)
		die(RM_EXIT_SYSTEM, "unable to write standard output");
}

/* Until PC/SC fails; sleeps in between.  What is in a reader before is not
 * new, wherever this begins. */
static void
watch_once(void)
{
	struct rm_pcsc_reader list[2][RM_PCSC_READERS_MAX];
	size_t n[2], now = 0;
	struct rm_pcsc *pcsc;
	struct rm_err err;

	if (rm_pcsc_open(&pcsc, &err) == -1)
		return;
	if (rm_pcsc_readers(pcsc, list[0], &n[0], &err) == 0)
		while (rm_pcsc_wait(pcsc, list[now], n[now], WAIT_MAX_MS,
		    &err) == 0 && rm_pcsc_readers(pcsc, list[!now], &n[!now],
		    &err) == 0) {
			tell_new(list[now], n[now], list[!now], n[!now]);
			now = !now;
		}
	rm_pcsc_close(pcsc);
}

static _Noreturn void
watch(void)
{
	rm_env_conf(my.reader, sizeof(my.reader), "reader", "");
	for (;;) {
		watch_once();
		(void)sleep(AGAIN_S);
	}
}

static void
parse_args(int argc, char *argv[])
{
	bool waits = false;
	int ch;

	my.wait_ms = WAIT_MS;
	while ((ch = getopt(argc, argv, "+w:")) != -1) {
		if (ch != 'w' || waits)
			die_usage(USAGE);
		waits = true;
		if (rm_num_ms(&my.wait_ms, optarg, WAIT_MAX_MS) == -1)
			diex(RM_EXIT_USAGE, "bad number of seconds: %s",
			    optarg);
	}
}

int
main(int argc, char *argv[])
{
	const char *verb;

	rm_die_init("rm-card");
	parse_args(argc, argv);
	argc -= optind;
	argv += optind;
	if (argc < 1)
		die_usage(USAGE);
	verb = my.st.purpose = argv[0];
	if (argc > 1)
		my.st.nonce = argv[1];
	if (strcmp(verb, "lock") == 0 && argc == 1) {
		record_lock();
	} else if (strcmp(verb, "watch") == 0 && argc == 1) {
		watch();
	} else if ((strcmp(verb, "drill") == 0 ||
	    strcmp(verb, "unlock") == 0) && argc == 2) {
		one_card();
	} else if (strcmp(verb, "operation") == 0 && argc >= 4) {
		my.st.payload = argv[2];
		my.st.words = argv + 3;
		my.st.n = (size_t)argc - 3;
		one_card();
	} else
		die_usage(USAGE);
	rm_die_done();
}
