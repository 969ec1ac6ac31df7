/* SPDX-License-Identifier: ISC */
/*
 * The card's process and its parent, which has the network.  Orders go down
 * and reports come up, of a fixed size, over a pair of sockets; both sides
 * check what they get.
 *
 * MUST: only the card's process ever holds the PIN.
 * MUST: it ends, whatever the card does: by its timer, with its last words; by
 * its parent's end; by the signal that rm_card_free sends.  The PC/SC service
 * resets the card of a client that has gone without a word.
 */
#include "rm_card.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_pcsc.h"
#include "rm_secret.h"
#include "rm_signer.h"
#include "rm_text.h"

struct order {
	enum { ORDER_ASK, ORDER_SIGN } what;
	size_t len;
	uint8_t text[RM_CARD_TEXT_MAX];
};

/* News of a card, or (rm_card_readers) a list. */
struct report {
	struct rm_card_news news;
	size_t n_readers;
	struct rm_card_reader readers[RM_CARD_READERS_MAX];
};

struct rm_card {
	pid_t pid;
	int fd;
	bool busy;		/* it works, and does not look at the socket */
	bool asking;		/* the terminal may be the child's */
};

/* Of the child, for the handler of its timer. */
static struct rm_signer signer;
static struct report last_words = { .news.what = RM_CARD_FAILED };
static int parent_fd;

static void
tell(const struct report *report)
{
	/* A parent that has gone does not listen: nothing to be done. */
	(void)send(parent_fd, report, sizeof(*report), MSG_NOSIGNAL);
}

/* The card hangs, and with it whatever call is under way. */
static void
on_alarm(int sig)
{
	(void)sig;
	last_words.news.why = signer.mute;
	tell(&last_words);
	_exit(RM_EXIT_SYSTEM);
}

static void
tell_waiting(void *arg, const struct rm_err *why)
{
	struct report *report = arg;

	report->news.what = RM_CARD_WAITING;
	report->news.why = *why;
	tell(report);
}

/* Takes orders until the signature is made.  0, or -1 with the reason. */
static int
serve(struct report *report)
{
	struct rm_card_news *news = &report->news;
	static struct order order;

	if (rm_signer_find(&signer, tell_waiting, report, &news->why) == -1)
		return -1;
	news->card = signer.card;
	news->what = RM_CARD_SEEN;
	tell(report);
	for (;;) {
		if (recv(parent_fd, &order, sizeof(order), 0) !=
		    sizeof(order) || order.len > sizeof(order.text) ||
		    (order.what != ORDER_ASK && order.what != ORDER_SIGN))
			return rm_err_set(&news->why, RM_CODE_SYSTEM,
			    "the card is not wanted any more");
		if (signer.pin == NULL &&
		    rm_signer_read_pin(&signer, parent_fd, &news->why) == -1)
			return -1;
		if (order.what == ORDER_SIGN)
			break;
		news->what = RM_CARD_PIN;
		tell(report);
	}
	if (rm_signer_sign(&signer, order.text, order.len, news->sig,
	    &news->sig_len, &news->why) == -1)
		return -1;
	news->what = RM_CARD_SIGNED;
	return 0;
}

static void
work(struct report *report)
{
	if (serve(report) == -1)
		report->news.what = RM_CARD_FAILED;
	/* The parent may go on while the card is reset. */
	tell(report);
	rm_signer_end(&signer);
}

static void
list(struct report *report)
{
	struct rm_pcsc_reader readers[RM_PCSC_READERS_MAX];
	size_t i, n;

	if (rm_signer_list(&signer, readers, &n, &report->news.why) == -1) {
		report->news.what = RM_CARD_FAILED;
		n = 0;
	}
	for (i = 0; i < n; i++) {
		memcpy(report->readers[i].name, readers[i].name,
		    sizeof(readers[i].name));
		report->readers[i].present = readers[i].present ||
		    readers[i].mute;
	}
	report->n_readers = n;
	tell(report);
	rm_signer_end(&signer);
}

/* Nothing of the parent stays open here but 0, 1, 2 and where the PIN is. */
static void
close_others(int pin_fd)
{
	unsigned int low = (unsigned int)parent_fd, high = low;

	if (pin_fd > 2 && (unsigned int)pin_fd < low)
		low = (unsigned int)pin_fd;
	if (pin_fd > 2 && (unsigned int)pin_fd > high)
		high = (unsigned int)pin_fd;
	if (low > 3)
		(void)close_range(3, low - 1, 0);
	if (high > low + 1)
		(void)close_range(low + 1, high - 1, 0);
	(void)close_range(high + 1, ~0U, 0);
}

/* What the child is before it does anything. */
static void
settle(pid_t parent, const struct rm_card_want *want)
{
	struct sigaction sa, preset = { .sa_handler = SIG_DFL };
	sigset_t none;
	int sig;

	/* As after an exec: what is ignored stays so (nohup). */
	for (sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN)
			(void)sigaction(sig, &preset, NULL);
	sa = (struct sigaction){ .sa_handler = SIG_IGN };
	(void)sigaction(SIGPIPE, &sa, NULL);
	sa.sa_handler = on_alarm;
	(void)sigaction(SIGALRM, &sa, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != parent)
		_exit(RM_EXIT_SYSTEM);
	close_others(want->pin_from_fd ? want->pin_fd : -1);
	if (rm_secret_harden() == -1)
		_exit(RM_EXIT_SYSTEM);
}

static struct rm_card *
spawn(void (*job)(struct report *), const struct rm_card_want *want)
{
	static struct report report;
	pid_t parent = getpid();
	struct rm_card *card;
	sigset_t all, before;
	int pair[2];

	if ((card = calloc(1, sizeof(*card))) == NULL)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		goto fail;
	/* What comes for the child must not run into a handler of ours. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	card->pid = fork();
	if (card->pid == 0) {
		parent_fd = pair[1];
		signer.want = want;
		settle(parent, want);
		job(&report);
		_exit(RM_EXIT_OK);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)close(pair[1]);
	card->fd = pair[0];
	card->busy = true;
	if (card->pid != -1)
		return card;
	(void)close(card->fd);
fail:
	free(card);
	return NULL;
}

struct rm_card *
rm_card_start(const struct rm_card_want *want)
{
	return spawn(work, want);
}

/*
 * A person types, and ^C comes to parent and child alike: the child must have
 * given the terminal back before the parent ends and the shell takes it.
 */
static bool
wait_terminal(struct rm_card *card, int other)
{
	struct pollfd fds[3] = { { .fd = card->fd, .events = POLLIN },
	    { .fd = -1, .events = POLLIN }, { .fd = other, .events = POLLIN } };
	sigset_t set, before;

	rm_secret_signals(&set);
	(void)sigdelset(&set, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	/* It tells that there is a signal, and leaves it where it is. */
	fds[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	while (poll(fds, 3, -1) == -1 && errno == EINTR)
		continue;
	if (fds[1].revents != 0 && fds[0].revents == 0) {
		(void)kill(card->pid, SIGTERM);
		while (poll(fds, 1, -1) == -1 && errno == EINTR)
			continue;
	}
	(void)close(fds[1].fd);
	/* From here a signal that came takes its course. */
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	card->asking = fds[0].revents == 0;
	return fds[0].revents != 0;
}

bool
rm_card_wait(struct rm_card *card, int other)
{
	struct pollfd fds[2] = { { .fd = card->fd, .events = POLLIN },
	    { .fd = other, .events = POLLIN } };

	if (card->asking)
		return wait_terminal(card, other);
	while (poll(fds, 2, -1) == -1 && errno == EINTR)
		continue;
	return fds[0].revents != 0;
}

/* What comes from the child is checked as if a stranger had sent it. */
static bool
is_sound(const struct report *report)
{
	const struct rm_card_news *news = &report->news;
	const struct rm_card_facts *card = &news->card;

	return news->what >= RM_CARD_WAITING && news->what <= RM_CARD_FAILED &&
	    memchr(news->why.text, '\0', sizeof(news->why.text)) != NULL &&
	    memchr(card->reader, '\0', sizeof(card->reader)) != NULL &&
	    memchr(card->keyid, '\0', sizeof(card->keyid)) != NULL &&
	    memchr(card->alg, '\0', sizeof(card->alg)) != NULL &&
	    memchr(card->cn, '\0', sizeof(card->cn)) != NULL &&
	    card->der_len <= sizeof(card->der) &&
	    news->sig_len <= sizeof(news->sig) &&
	    report->n_readers <= RM_CARD_READERS_MAX;
}

static void
receive(struct rm_card *card, struct report *ret)
{
	ssize_t n;

	if (card->asking)
		(void)wait_terminal(card, -1);
	do
		n = recv(card->fd, ret, sizeof(*ret), 0);
	while (n == -1 && errno == EINTR);
	if (n != sizeof(*ret) || !is_sound(ret)) {
		memset(ret, 0, sizeof(*ret));
		ret->news.what = RM_CARD_FAILED;
		(void)rm_err_set(&ret->news.why, RM_CODE_CARD_LOST,
		    "the card's process ended without a word");
	}
	card->busy = ret->news.what == RM_CARD_WAITING;
}

void
rm_card_next(struct rm_card *card, struct rm_card_news *ret)
{
	struct report report;

	receive(card, &report);
	*ret = report.news;
}

int
rm_card_ask(struct rm_card *card)
{
	static const struct order order = { .what = ORDER_ASK };

	if (send(card->fd, &order, sizeof(order), MSG_NOSIGNAL) == -1)
		return -1;
	card->busy = card->asking = true;
	return 0;
}

int
rm_card_sign(struct rm_card *card, const void *text, size_t len)
{
	struct order order = { .what = ORDER_SIGN, .len = len };

	if (len > sizeof(order.text)) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(order.text, text, len);
	if (send(card->fd, &order, sizeof(order), MSG_NOSIGNAL) == -1)
		return -1;
	card->busy = card->asking = true;
	return 0;
}

void
rm_card_free(struct rm_card *card)
{
	if (card == NULL)
		return;
	/* At rest it sees the end of the socket, and resets the card. */
	if (card->busy)
		(void)kill(card->pid, SIGTERM);
	(void)close(card->fd);
	while (waitpid(card->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	free(card);
}

int
rm_card_readers(struct rm_card_reader ret[static RM_CARD_READERS_MAX],
    size_t *ret_n, struct rm_err *err)
{
	static const struct rm_card_want any = { 0 };
	struct rm_card *card;
	struct report report;

	if ((card = spawn(list, &any)) == NULL)
		return rm_err_set(err, RM_CODE_SYSTEM,
		    "unable to start the card's process");
	receive(card, &report);
	rm_card_free(card);
	if (report.news.what == RM_CARD_FAILED) {
		*err = report.news.why;
		return -1;
	}
	memcpy(ret, report.readers, sizeof(report.readers));
	*ret_n = report.n_readers;
	return 0;
}
