/* SPDX-License-Identifier: ISC */
/*
 * The wire half: the only one that sees the peer's bytes, and in a jail.
 *
 * MUST NOT: open, fork or execute; the jail would kill it.
 * MUST: write whole lines only, at most PIPE_BUF bytes at a time, so that a
 *       pipe takes all or nothing and no notice can fall into a line.
 * MUST: ask for one operation at a time, in the order of the lines.
 *
 * It is the last program of the chain, so it may read ahead.  End of input
 * means that nothing more will be said; gone is who can no longer be
 * answered: POLLERR on 1.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "rm_chain.h"
#include "rm_die.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_sandbox.h"

#define LAST_MS		1000	/* for last words; the chain gives 50 */
#define DONE_S		2	/* for the record of the session's end */
#define LAST_PACKETS	64	/* more than the sockets can hold */

static struct wire {
	int sock;
	bool busy;			/* an operation is under way */
	bool eof, skipping;		/* of 0; the rest of a long line */
	bool lost;			/* where the next line begins */
	size_t pos, len;		/* of in, what is still to do */
	uint8_t in[2 * RM_LINE_MAX];
	struct packet out;		/* for the peer */
} w;

static volatile sig_atomic_t caught;

static void
catch(int sig)
{
	caught = sig;
}

/* Tells the runner why, as far as there is time; it learns that by itself. */
static void
say_bye(const char *why)
{
	static struct request bye = { .kind = REQUEST_BYE };

	(void)snprintf(bye.text, sizeof(bye.text), "%s", why);
	bye.len = (uint32_t)strlen(bye.text) + 1;
	(void)!write(w.sock, &bye, sizeof(bye));
}

static _Noreturn void
leave(const char *why, int code)
{
	say_bye(why);
	_exit(code);
}

/*
 * Nothing more will be run.  The peer sees the end when the runner has let go
 * of the session, so that it may come again at once; a signal ends the wait.
 */
static _Noreturn void
leave_done(const char *why, const sigset_t *open_mask)
{
	const struct timespec limit = { .tv_sec = DONE_S };
	struct pollfd one = { w.sock, POLLIN, 0 };

	say_bye(why);
	(void)ppoll(&one, 1, &limit, open_mask);
	_exit(RM_EXIT_OK);
}

static _Noreturn void
peer_gone(void)
{
	rm_info("the peer has gone");
	leave(rm_code_word(RM_CODE_CONNECTION), RM_EXIT_OK);
}

static void
flush(void)
{
	if (rm_io_write(1, w.out.text, w.out.len) == -1) {
		if (errno == EPIPE || errno == ECONNRESET)
			peer_gone();
		rm_warn("unable to write to the peer");
		leave("system", RM_EXIT_SYSTEM);
	}
	w.out.len = 0;
}

/* A packet of the runner's, checked; false if the runner has gone. */
static bool
take_packet(void)
{
	const char *last;
	ssize_t n;

	n = read(w.sock, w.out.text, sizeof(w.out.text));
	if (n <= 0 || w.out.text[n - 1] != '\n')
		return false;
	w.out.len = (size_t)n;
	last = memrchr(w.out.text, '\n', (size_t)n - 1);
	last = last != NULL ? last + 1 : w.out.text;
	if (*last == '+' || *last == '!')
		w.busy = false;
	return true;
}

static bool
ready(int fd, short events, int64_t end)
{
	struct pollfd one = { fd, events, 0 };
	int64_t now = rm_num_now_ms();

	return poll(&one, 1, now < end ? (int)(end - now) : 0) == 1 &&
	    (one.revents & events) != 0;
}

/*
 * The lease is gone, or the appliance goes down.  An answer that is already
 * on its way here goes out before the word, and both before the power does.
 */
static _Noreturn void
last_words(void)
{
	const char *notice = caught == SIGHUP ? RM_NOTICE_GOING_DOWN :
	    RM_NOTICE_LOCAL_CONSOLE;
	const char *why = rm_code_word(rm_code_of_notice(notice));
	int64_t end = rm_num_now_ms() + LAST_MS;
	int left = LAST_PACKETS;

	while (w.out.len > 0 || (left-- > 0 && ready(w.sock, POLLIN, 0) &&
	    take_packet())) {
		if (!ready(1, POLLOUT, end))
			leave(why, RM_EXIT_OK);
		flush();
	}
	if (ready(1, POLLOUT, end)) {
		(void)packet_put(&w.out, '*', notice, strlen(notice));
		flush();
	}
	leave(why, RM_EXIT_OK);
}

/*
 * Nobody can tell how many bytes belong to that announcement: what follows
 * must not be run for a command.  The connection ends, and says why.
 */
static void
lose_track(void)
{
	static const char why[] = "usage a payload is announced by "
	    "\"< NAME LENGTH\": the connection ends here";

	(void)packet_put(&w.out, '!', why, strlen(why));
	w.lost = true;
}

static void
refuse(const char *why)
{
	char text[REASON_MAX];
	int n;

	n = snprintf(text, sizeof(text), "%s %s",
	    rm_code_word(RM_CODE_USAGE), why);
	(void)packet_put(&w.out, '!', text, (size_t)n);
}

/* The line as a request to run; false, and refused, if it is none. */
static bool
parse(struct request *ret, const uint8_t *line, size_t len)
{
	static struct rm_words words;
	const char *why;
	size_t i, n;

	if (rm_text_words(&words, line, len, &why) == -1) {
		refuse(why);
		return false;
	}
	if (!rm_text_is_name(words.word[0])) {
		refuse("a command begins with the name of an operation");
		return false;
	}
	if ((why = intake_fault()) != NULL) {
		refuse(why);
		return false;
	}
	memset(ret, 0, sizeof(*ret));
	ret->kind = REQUEST_RUN;
	ret->n = (uint32_t)words.n;
	for (i = 0; i < words.n; i++) {
		/* Never longer than the line, and its LF. */
		n = strlen(words.word[i]) + 1;
		memcpy(ret->text + ret->len, words.word[i], n);
		ret->len += (uint32_t)n;
	}
	return true;
}

/* One line: nothing, an announcement, or what the payload before it is for. */
static void
take_line(const uint8_t *line, size_t len)
{
	static struct request req;

	if (len == 0)
		return;
	if (*line == '<') {
		if (!intake_begin(line, len))
			lose_track();
		return;
	}
	if (parse(&req, line, len)) {
		if (intake_send(w.sock) == -1 ||
		    rm_io_write(w.sock, &req, sizeof(req)) == -1)
			leave("system", RM_EXIT_SYSTEM);
		w.busy = true;
	}
	intake_forget();
}

/* What was read of a payload; it may be a secret, and goes from here. */
static bool
next_bytes(void)
{
	size_t n = intake_take(w.in + w.pos, w.len - w.pos);

	explicit_bzero(w.in + w.pos, n);
	w.pos += n;
	if (w.pos == w.len)
		w.pos = w.len = 0;
	return n > 0;
}

/* A line that is too long; skip: its beginning is gone already. */
static void
refuse_long(const uint8_t *line, bool skip)
{
	if (!skip && *line == '<') {
		lose_track();
		return;
	}
	refuse("line too long");
	intake_forget();
}

/*
 * Works off one line, or what is there of a payload; false if more has to be
 * read for the next.
 */
static bool
next_line(void)
{
	const uint8_t *line = w.in + w.pos, *end;
	size_t len = w.len - w.pos;
	bool skip = w.skipping;

	if (w.lost)
		return false;
	if (intake_wants())
		return next_bytes();
	if ((end = memchr(line, '\n', len)) == NULL) {
		if (len >= RM_LINE_MAX && !skip && *line == '<')
			lose_track();
		if (len >= RM_LINE_MAX)
			w.skipping = true;
		if (w.skipping)
			len = 0;
		memmove(w.in, line, len);
		w.pos = 0;
		w.len = len;
		return false;
	}
	len = (size_t)(end - line);
	w.pos += len + 1;
	w.skipping = false;
	if (skip || len >= RM_LINE_MAX)
		refuse_long(line, skip);
	else
		take_line(line, len);
	return true;
}

static void
read_peer(void)
{
	ssize_t n;

	n = read(0, w.in + w.len, sizeof(w.in) - w.len);
	if (n > 0)
		w.len += (size_t)n;
	else if (n == 0)
		w.eof = true;
	else if (errno != EINTR && errno != EAGAIN)
		peer_gone();
}

/* One wait for peer, runner or signal; signals come in nowhere else. */
static void
turn(const sigset_t *open_mask)
{
	bool idle = !w.busy && !w.lost && w.out.len == 0;
	struct pollfd fds[3] = {
		{ idle ? 0 : -1, POLLIN, 0 },
		{ 1, w.out.len > 0 ? POLLOUT : 0, 0 },
		{ w.out.len == 0 ? w.sock : -1, POLLIN, 0 }
	};

	if (ppoll(fds, 3, NULL, open_mask) == -1 && errno != EINTR)
		die(RM_EXIT_SYSTEM, "unable to wait for the peer");
	if (caught != 0)
		last_words();
	if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
		peer_gone();
	if (fds[1].revents & POLLOUT)
		flush();
	if (fds[2].revents != 0 && !take_packet()) {
		rm_warnx("the runner has gone");
		leave("system", RM_EXIT_SYSTEM);
	}
	if (fds[0].revents != 0)
		read_peer();
}

void
wire_run(int sock)
{
	struct sigaction sa = { .sa_handler = catch };
	sigset_t open_mask;

	w.sock = sock;
	(void)sigprocmask(SIG_BLOCK, NULL, &open_mask);
	(void)sigdelset(&open_mask, SIGTERM);
	(void)sigdelset(&open_mask, SIGHUP);
	if (sigaction(SIGTERM, &sa, NULL) == -1 ||
	    sigaction(SIGHUP, &sa, NULL) == -1)
		die(RM_EXIT_SYSTEM, "unable to catch signals");
	rm_chain_jail(rm_sandbox_reader);
	for (;;) {
		while (!w.busy && w.out.len == 0 && next_line())
			continue;
		if (w.lost && w.out.len == 0)
			leave_done(rm_code_word(RM_CODE_USAGE), &open_mask);
		if (w.eof && !w.busy && w.out.len == 0)
			leave_done("done", &open_mask);
		turn(&open_mask);
	}
}
