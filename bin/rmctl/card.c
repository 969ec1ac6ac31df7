/* SPDX-License-Identifier: ISC */
/*
 * rmctl card: readers and cards at this station.  Nothing here talks to an
 * appliance; what a card signs here is its own enrolment.
 */
#include "rmctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rm_card.h"
#include "rm_pub.h"
#include "rm_statement.h"
#include "rm_text.h"

static void
make_want(struct rm_card_want *ret)
{
	*ret = (struct rm_card_want){ .reader = rmctl_opts.reader,
	    .slot = rmctl_opts.slot, .wait_ms = rmctl_opts.wait_ms,
	    .answer_ms = rmctl_opts.answer_ms,
	    .last_try = rmctl_opts.last_try,
	    .pin_from_fd = rmctl_opts.pin_fd != -1,
	    .pin_fd = rmctl_opts.pin_fd };
}

/* Waits until the card is as far as what. */
static int
await(struct rm_card *card, enum rm_card_what what, struct rm_card_news *news)
{
	do {
		rm_card_next(card, news);
		if (news->what == RM_CARD_FAILED)
			return rmctl_fail(news->why.code, "%s",
			    news->why.text);
		if (news->what == RM_CARD_WAITING && !rmctl_opts.quiet)
			rm_info("insert a card (%s)", news->why.text);
	} while (news->what != what);
	return RM_CODE_OK;
}

static int
find(struct rm_card **ret, struct rm_card_news *news)
{
	struct rm_card_want want;

	make_want(&want);
	if ((*ret = rm_card_start(&want)) == NULL)
		return rmctl_fail(RM_CODE_SYSTEM, "unable to work a card: %s",
		    strerror(errno));
	return await(*ret, RM_CARD_SEEN, news);
}

/* A line of the list: what is known, or "-" and why it is not. */
static void
print_reader(const char *reader, const struct rm_card_news *news)
{
	char name[RM_CARD_READER_MAX], why[sizeof(news->why.text)], tries[8];
	const struct rm_card_facts *card = &news->card;
	size_t len = strlen(reader);

	rm_text_clean(name, sizeof(name), (const uint8_t *)reader, len);
	if (news->what != RM_CARD_SEEN) {
		/* The reader's name is there already. */
		reader = strncmp(news->why.text, reader, len) == 0 &&
		    strncmp(news->why.text + len, ": ", 2) == 0 ?
		    news->why.text + len + 2 : news->why.text;
		rm_text_clean(why, sizeof(why), (const uint8_t *)reader,
		    strlen(reader));
		(void)printf("%s\t-\t%s\n", name, why);
		return;
	}
	(void)snprintf(tries, sizeof(tries), "%d", card->tries);
	(void)printf("%s\t%s\t%s\t%s\t%s\n", name,
	    card->cn[0] != '\0' ? card->cn : "?",
	    card->tries >= 0 ? tries : "?", card->alg, card->keyid);
}

static bool
is_wanted(const char *reader)
{
	return rmctl_opts.reader == NULL ||
	    strstr(reader, rmctl_opts.reader) != NULL;
}

/* All cards at the same time: one that does not answer delays no other. */
static int
do_list(void)
{
	struct rm_card_reader readers[RM_CARD_READERS_MAX];
	struct rm_card *cards[RM_CARD_READERS_MAX] = { NULL };
	struct rm_card_news news;
	struct rm_card_want want;
	struct rm_err err;
	size_t i, n;

	if (rm_card_readers(readers, &n, &err) == -1)
		return rmctl_fail(err.code, "%s", err.text);
	make_want(&want);
	want.wait_ms = 0;
	for (i = 0; i < n; i++) {
		want.reader = readers[i].name;
		if (readers[i].present && is_wanted(want.reader))
			cards[i] = rm_card_start(&want);
	}
	for (i = 0; i < n; i++) {
		if (!is_wanted(readers[i].name))
			continue;
		news = (struct rm_card_news){ .what = RM_CARD_FAILED,
		    .why.text = "no card" };
		if (cards[i] != NULL)
			rm_card_next(cards[i], &news);
		print_reader(readers[i].name, &news);
		rm_card_free(cards[i]);
	}
	return RM_CODE_OK;
}

static int
print_key(const struct rm_card_facts *card)
{
	char pem[RM_PUB_PEM_MAX];
	struct rm_pub *pub;
	const char *why;

	pub = rm_pub_from_der(card->der, card->der_len, &why);
	if (pub == NULL)
		return rmctl_fail(RM_CODE_FAILED, "%s", why);
	rm_pub_pem(pub, pem);
	rm_pub_free(pub);
	(void)fputs(pem, stdout);
	return RM_CODE_OK;
}

static int
do_public_key(void)
{
	struct rm_card_news news;
	struct rm_card *card;
	int rc;

	if ((rc = find(&card, &news)) == RM_CODE_OK)
		rc = print_key(&news.card);
	rm_card_free(card);
	return rc;
}

/* Has the card sign that it is to be the custodian name's, over there. */
static int
sign_enrolment(struct rm_card *card, const char *name,
    struct rm_card_news *news)
{
	char text[RM_STATEMENT_MAX];

	if (rm_statement_enrol(text, rmctl_opts.appliance, name,
	    news->card.keyid) == -1)
		return rmctl_fail(RM_CODE_USAGE, "bad name: %s", name);
	if (rm_card_sign(card, text, strlen(text)) == -1)
		return rmctl_fail(RM_CODE_CARD_LOST,
		    "the card's process is gone");
	return await(card, RM_CARD_SIGNED, news);
}

static int
do_enrol(const char *name)
{
	char sig[RM_PUB_SIG_MAX * 2];
	struct rm_card_news news;
	struct rm_card_facts seen;
	struct rm_card *card;
	int rc;

	if (rmctl_opts.appliance == NULL)
		return rmctl_fail(RM_CODE_USAGE, "for which appliance? "
		    "--appliance KEYID tells");
	if ((rc = find(&card, &news)) == RM_CODE_OK) {
		seen = news.card;
		rc = sign_enrolment(card, name, &news);
	}
	rm_card_free(card);
	if (rc != RM_CODE_OK)
		return rc;
	if (rm_hash_base64(sig, sizeof(sig), news.sig, news.sig_len) == -1)
		return rmctl_fail(RM_CODE_FAILED, "the signature is too long");
	(void)printf("enrol %s %s %s %s\n", name, seen.keyid, seen.alg, sig);
	return print_key(&seen);
}

int
rmctl_card(int argc, char *argv[])
{
	int rc;

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		rc = do_list();
	else if (argc == 2 && strcmp(argv[1], "public-key") == 0)
		rc = do_public_key();
	else if (argc == 3 && strcmp(argv[1], "enrol") == 0)
		rc = do_enrol(argv[2]);
	else
		return rmctl_fail(RM_CODE_USAGE,
		    "card: list, public-key or enrol NAME");
	if (rc == RM_CODE_OK)
		rm_die_done();
	return rc;
}
