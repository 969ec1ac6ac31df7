/* SPDX-License-Identifier: ISC */
/*
 * The manners of dealing with somebody's card.
 *
 * MUST: a PIN is sent at most once in the life of a process, and only to the
 * card whose key was shown to the person.
 * MUST: the last try is not spent unless that was told; nor is a try when the
 * card does not say how many there are.
 * MUST: another's PIN, found verified, is never used: the card is reset.
 */
#include "rm_signer.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "rm_num.h"
#include "rm_text.h"

/* Writes what became of the PIN: how a person goes on depends on it. */
static const char *
consequence(struct rm_signer *signer)
{
	char *text = signer->consequence;
	size_t size = sizeof(signer->consequence);
	int tries = signer->card.tries;

	switch (signer->stage) {
	case RM_SIGNER_NOT_SENT:
		if (tries >= 0)
			(void)snprintf(text, size, ": no PIN was sent, "
			    "tries left: %d", tries);
		else
			(void)snprintf(text, size, ": no PIN was sent");
		break;
	case RM_SIGNER_SENT:
		(void)snprintf(text, size, ": a PIN try may have been used, "
		    "of %d", tries);
		break;
	case RM_SIGNER_RIGHT:
		(void)snprintf(text, size, ": the PIN was right, no try was "
		    "used");
		break;
	}
	return text;
}

static void
disarm(void)
{
	const struct itimerval none = { 0 };

	(void)setitimer(ITIMER_REAL, &none, NULL);
}

/*
 * From now on the card in a reader (NULL: the PC/SC service) has as long as
 * the wish says, and more_ms, to answer.
 */
static void
arm(struct rm_signer *signer, const char *reader, uint32_t more_ms)
{
	uint32_t ms = signer->want->answer_ms;
	struct itimerval timer = { 0 };

	/* The handler must not find half of a text. */
	disarm();
	if (reader != NULL)
		(void)rm_err_set(&signer->mute, RM_CODE_CARD_LOST,
		    "the card in %s does not answer%s", reader,
		    consequence(signer));
	else
		(void)rm_err_set(&signer->mute, RM_CODE_NO_READER,
		    "the PC/SC service (pcscd) does not answer");
	ms = (ms == 0 ? RM_CARD_ANSWER_MS : ms) + more_ms;
	timer.it_value.tv_sec = ms / 1000;
	timer.it_value.tv_usec = ms % 1000 * 1000;
	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* Passes a failure on, with what it means for the PIN. */
static int
fail(struct rm_signer *signer, const struct rm_err *why,
    struct rm_err *err)
{
	struct rm_err copy = *why;

	return rm_err_set(err, copy.code, "%s%s", copy.text,
	    consequence(signer));
}

static bool
is_skipped(const struct rm_card_want *want, const char *keyid)
{
	size_t i;

	for (i = 0; i < want->n_skip; i++)
		if (strcmp(want->skip[i], keyid) == 0)
			return true;
	return false;
}

/* The key of the slot, judged as a whole: by its kind and by the wish. */
static int
take_key(struct rm_signer *signer, const struct rm_cert *cert,
    struct rm_err *err)
{
	struct rm_card_facts *card = &signer->card;
	const char *why;

	rm_pub_free(signer->pub);
	signer->pub = rm_pub_from_der(cert->spki, cert->spki_len, &why);
	if (signer->pub == NULL)
		return rm_err_set(err, RM_CODE_NO_CARD, "%s", why);
	if (rm_piv_algorithm(signer->pub) == 0)
		return rm_err_set(err, RM_CODE_NO_CARD,
		    "a key of a size that no card signs with");
	if (is_skipped(signer->want, rm_pub_keyid(signer->pub)))
		return rm_err_set(err, RM_CODE_NO_CARD,
		    "this card was used already");
	memcpy(card->keyid, rm_pub_keyid(signer->pub), sizeof(card->keyid));
	(void)stpncpy(card->alg, rm_pub_alg(signer->pub),
	    sizeof(card->alg) - 1);
	memcpy(card->cn, cert->cn, sizeof(card->cn));
	card->der_len = cert->spki_len;
	memcpy(card->der, cert->spki, cert->spki_len);
	return 0;
}

/* One look at the card of the transaction: is it PIV, whose, how many tries. */
static int
inspect(struct rm_signer *signer, struct rm_err *err)
{
	struct rm_piv *piv = signer->piv;
	struct rm_cert cert;

	if (rm_piv_select(piv) == -1 ||
	    rm_piv_read_key(piv, signer->want->slot, &cert) == -1) {
		*err = piv->err;
		return -1;
	}
	if (take_key(signer, &cert, err) == -1)
		return -1;
	if (rm_piv_tries(piv, &signer->card.tries) == -1) {
		*err = piv->err;
		return -1;
	}
	return 0;
}

/*
 * Begins a transaction with the card in a reader and looks at it.  0 (the
 * transaction goes on); 1 if it was reset, by others or because their PIN was
 * in force on it, so that another look is due; -1.
 */
static int
look(struct rm_signer *signer, const char *reader, struct rm_err *why)
{
	int rc;

	if (rm_pcsc_begin(signer->pcsc, reader, why) == -1)
		return -1;
	rc = inspect(signer, why);
	if (rc == 0 && signer->card.tries != RM_PIV_VERIFIED)
		return 0;
	if (rc == 0) {
		rm_pcsc_end(signer->pcsc, true);
		(void)rm_err_set(why, RM_CODE_CARD_LOST,
		    "the card in %s takes PINs from other programs", reader);
		return 1;
	}
	rc = rm_pcsc_was_reset(signer->pcsc) ? 1 : -1;
	/* Not ours to be reset, if it is not the card that is wanted. */
	rm_pcsc_end(signer->pcsc, false);
	return rc;
}

static int
try_reader(struct rm_signer *signer, const char *reader, struct rm_err *err)
{
	struct rm_err why;
	int rc;

	arm(signer, reader, 0);
	if ((rc = look(signer, reader, &why)) == 1)
		rc = look(signer, reader, &why);
	disarm();
	if (rc == 0) {
		memcpy(signer->reader, reader, strlen(reader) + 1);
		rm_text_clean(signer->card.reader, sizeof(signer->card.reader),
		    (const uint8_t *)reader, strlen(reader));
		return 0;
	}
	/* A card that talks nonsense is none of ours. */
	if (why.code == RM_CODE_NO_CARD || why.code == RM_CODE_FAILED)
		return rm_err_set(err, RM_CODE_NO_CARD, "%s: %s", reader,
		    why.text);
	return fail(signer, &why, err);
}

/*
 * Moves the readers that the wish names to the front and returns how many:
 * the one of exactly that name, or all that have it in theirs.
 */
static size_t
fitting(const struct rm_card_want *want, struct rm_pcsc_reader *readers,
    size_t n)
{
	size_t i, fit = 0;

	if (want->reader == NULL)
		return n;
	for (i = 0; i < n; i++) {
		if (strcmp(readers[i].name, want->reader) == 0) {
			readers[0] = readers[i];
			return 1;
		}
	}
	for (i = 0; i < n; i++)
		if (strstr(readers[i].name, want->reader) != NULL)
			readers[fit++] = readers[i];
	return fit;
}

/* True if a reader is as it was when its card was looked at. */
static bool
is_known(const struct rm_pcsc_reader *reader,
    const struct rm_pcsc_reader *known, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(known[i].name, reader->name) == 0)
			return known[i].state == reader->state;
	return false;
}

/* What there is to say when there is no card at all. */
static void
say_none(const struct rm_card_want *want, size_t n, struct rm_err *err)
{
	if (n > 0)
		(void)rm_err_set(err, RM_CODE_NO_CARD, "no card in %s",
		    want->reader != NULL ? want->reader : "any reader");
	else if (want->reader != NULL)
		(void)rm_err_set(err, RM_CODE_NO_READER,
		    "no card reader with the name %s", want->reader);
	else
		(void)rm_err_set(err, RM_CODE_NO_READER, "no card reader");
}

static void
say_mute(const char *reader, struct rm_err *err)
{
	(void)rm_err_set(err, RM_CODE_NO_CARD, "%s: its card gives no sign of "
	    "life: is it the right way round?", reader);
}

/* Looks at every card once, and again when its reader has news. */
static int
search(struct rm_signer *signer, rm_signer_waiting *waiting, void *arg,
    struct rm_err *err)
{
	const struct rm_card_want *want = signer->want;
	int64_t left, until = rm_num_now_ms() + want->wait_ms;
	struct rm_pcsc_reader readers[RM_PCSC_READERS_MAX];
	struct rm_pcsc_reader known[RM_PCSC_READERS_MAX];
	size_t i, n, n_known = 0;
	bool told = false;
	struct rm_err now, last = { 0 };

	for (;;) {
		arm(signer, NULL, 0);
		if (rm_pcsc_readers(signer->pcsc, readers, &n, err) == -1)
			return -1;
		n = fitting(want, readers, n);
		say_none(want, n, &now);
		for (i = 0; i < n; i++) {
			if (readers[i].mute)
				say_mute(readers[i].name, &now);
			if (!readers[i].present)
				continue;
			if (!is_known(&readers[i], known, n_known) &&
			    try_reader(signer, readers[i].name, &last) == 0)
				return 0;
			now = last;
		}
		if ((left = until - rm_num_now_ms()) <= 0) {
			*err = now;
			return -1;
		}
		if (!told)
			waiting(arg, &now);
		told = true;
		memcpy(known, readers, sizeof(known));
		n_known = n;
		arm(signer, NULL, (uint32_t)left);
		if (rm_pcsc_wait(signer->pcsc, known, n, (uint32_t)left,
		    err) == -1)
			return -1;
	}
}

static int
connect_service(struct rm_signer *signer, struct rm_err *err)
{
	arm(signer, NULL, 0);
	return rm_pcsc_open(&signer->pcsc, err);
}

int
rm_signer_list(struct rm_signer *signer,
    struct rm_pcsc_reader ret[static RM_PCSC_READERS_MAX], size_t *ret_n,
    struct rm_err *err)
{
	if (connect_service(signer, err) == -1 ||
	    rm_pcsc_readers(signer->pcsc, ret, ret_n, err) == -1)
		return -1;
	if (*ret_n == 0)
		return rm_err_set(err, RM_CODE_NO_READER, "no card reader");
	return 0;
}

int
rm_signer_find(struct rm_signer *signer, rm_signer_waiting *waiting,
    void *arg, struct rm_err *err)
{
	int rc = -1;

	signer->card.tries = RM_CARD_TRIES_UNKNOWN;
	if ((signer->piv = rm_secret_alloc(sizeof(*signer->piv))) == NULL)
		return rm_err_set(err, RM_CODE_SYSTEM, "no memory to lock");
	if (connect_service(signer, err) == 0) {
		signer->piv->transmit = rm_pcsc_transmit;
		signer->piv->arg = signer->pcsc;
		rc = search(signer, waiting, arg, err);
	}
	disarm();
	return rc;
}

/* A PIN that would be wasted is not asked for, and not sent. */
static int
may_send(struct rm_signer *signer, struct rm_err *err)
{
	int tries = signer->card.tries;

	if (tries == 0)
		return rm_err_set(err, RM_CODE_PIN_BLOCKED,
		    "the PIN of the card in %s is blocked%s",
		    signer->card.reader, consequence(signer));
	if (signer->want->last_try || tries > 1)
		return 0;
	if (tries == 1)
		return rm_err_set(err, RM_CODE_LAST_TRY,
		    "the last PIN try of the card in %s was kept%s",
		    signer->card.reader, consequence(signer));
	return rm_err_set(err, RM_CODE_LAST_TRY, "the card in %s does not say "
	    "how many PIN tries are left: it may be the last%s",
	    signer->card.reader, consequence(signer));
}

static void
write_prompt(const struct rm_card_facts *card, char *ret, size_t size)
{
	char tries[32] = "unknown number of tries";

	if (card->tries >= 0)
		(void)snprintf(tries, sizeof(tries), "%d %s", card->tries,
		    card->tries == 1 ? "try" : "tries");
	(void)snprintf(ret, size, "PIN of %s, card in %s (%s left): ",
	    card->cn[0] != '\0' ? card->cn : "an unnamed person",
	    card->reader, tries);
}

static void
wipe_pin(struct rm_signer *signer)
{
	rm_secret_free(signer->pin);
	signer->pin = NULL;
}

int
rm_signer_read_pin(struct rm_signer *signer, int stop, struct rm_err *err)
{
	const struct rm_card_want *want = signer->want;
	char prompt[RM_CARD_READER_MAX + RM_CARD_CN_MAX + 64];
	int rc;

	if (may_send(signer, err) == -1)
		return -1;
	wipe_pin(signer);
	if ((signer->pin = rm_secret_alloc(sizeof(*signer->pin))) == NULL)
		return rm_err_set(err, RM_CODE_SYSTEM, "no memory to lock");
	if (want->pin_from_fd) {
		rc = rm_secret_from_fd(signer->pin, want->pin_fd, err);
	} else {
		write_prompt(&signer->card, prompt, sizeof(prompt));
		rc = rm_secret_from_tty(signer->pin, prompt, stop, err);
	}
	return rc == 0 ? 0 : fail(signer, err, err);
}

/* While the parent or a person took their time, the card may have changed. */
static int
still_there(struct rm_signer *signer, struct rm_err *err)
{
	struct rm_card_facts before = signer->card;
	struct rm_err why;

	arm(signer, before.reader, 0);
	if (rm_pcsc_check(signer->pcsc, &why) == 0)
		return 0;
	if (!rm_pcsc_was_reset(signer->pcsc))
		return fail(signer, &why, err);
	if (look(signer, signer->reader, &why) != 0)
		return fail(signer, &why, err);
	if (strcmp(before.keyid, signer->card.keyid) != 0) {
		(void)rm_err_set(&why, RM_CODE_CARD_LOST,
		    "there is another card in %s now", before.reader);
		return fail(signer, &why, err);
	}
	return may_send(signer, err);
}

/* The one place from which a PIN goes to a card. */
static int
send_pin(struct rm_signer *signer, struct rm_err *err)
{
	int rc;

	signer->stage = RM_SIGNER_SENT;
	arm(signer, signer->card.reader, 0);
	rc = rm_piv_verify(signer->piv, signer->pin->text, signer->pin->len);
	wipe_pin(signer);
	if (rc == 0) {
		signer->stage = RM_SIGNER_RIGHT;
		return 0;
	}
	*err = signer->piv->err;
	return err->code == RM_CODE_CARD_LOST ? fail(signer, err, err) : -1;
}

int
rm_signer_sign(struct rm_signer *signer, const void *text, size_t len,
    uint8_t ret_sig[static RM_PUB_SIG_MAX], size_t *ret_len,
    struct rm_err *err)
{
	uint8_t challenge[RM_CARD_TEXT_MAX];
	size_t n;
	int rc;

	if (rm_pub_challenge(signer->pub, text, len, challenge,
	    sizeof(challenge), &n) == -1)
		return rm_err_set(err, RM_CODE_USAGE, "too long to be signed");
	if (still_there(signer, err) == -1 || send_pin(signer, err) == -1)
		return -1;
	arm(signer, signer->card.reader, 0);
	rc = rm_piv_sign(signer->piv, signer->want->slot,
	    rm_piv_algorithm(signer->pub), challenge, n, ret_sig, ret_len);
	disarm();
	if (rc == -1)
		return fail(signer, &signer->piv->err, err);
	if (rm_pub_verify(signer->pub, text, len, ret_sig, *ret_len) == 0)
		return 0;
	(void)rm_err_set(err, RM_CODE_FAILED, "what the card in %s signed "
	    "does not fit the key in its certificate", signer->card.reader);
	return fail(signer, err, err);
}

void
rm_signer_end(struct rm_signer *signer)
{
	wipe_pin(signer);
	arm(signer, signer->card.reader, 0);
	rm_pcsc_close(signer->pcsc);
	disarm();
	signer->pcsc = NULL;		/* closed */
	rm_secret_free(signer->piv);
	signer->piv = NULL;
	rm_pub_free(signer->pub);
	signer->pub = NULL;
}
