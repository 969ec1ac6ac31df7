/* SPDX-License-Identifier: ISC */
/*
 * rm-idle: end what it runs when nothing was used for so long.
 *
 * A copier stands between the peer and prog and hands on every byte as it is;
 * the only things it looks for are LF and the announcement of a payload.  Use
 * is a complete, non-empty line or a whole payload from the peer handed to
 * prog, or output that the peer has taken: MUST NOT count empty or unfinished
 * lines, the bytes of a payload, whatever they look like, nor bytes that only
 * wait in a pipe.  It trusts neither side, so the copier is jailed; prog runs
 * in the parent and has the pid and the status.
 * Example: rm-listen 127.0.0.1 0 -- rm-idle 120 -- cat
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_chain.h"
#include "rm_code.h"
#include "rm_die.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_payload.h"
#include "rm_sandbox.h"

#define USAGE		"rm-idle [-m file] seconds [--] prog [arg ...]"
#define LIMIT_MAX_MS	86400000
#define LOOK_MIN_MS	10	/* while output waits to be taken */
#define LOOK_MAX_MS	1000
#define MARK_MS		100	/* between two marks in the file */
#define WORD		"\n* " RM_NOTICE_IDLE_LIMIT "\n"

/* One direction.  It is filled when it is empty, and drained when it is not. */
struct way {
	int from, to;			/* -1: closed */
	size_t off, len;
	uint8_t buf[65536];
};

static struct {
	uint32_t limit_ms;
	const char *mark;
} opts;

static struct way in, out;
static int mark_fd = -1;
static unsigned long ask;		/* the ioctl for unread(), or 0 */
static int expected;			/* unread, if nothing is taken */
static int64_t last_use, last_mark;
static struct {
	uint32_t due;			/* bytes of a payload, still to come */
	size_t len;			/* of the line that prog has in part */
	uint8_t line[RM_PAYLOAD_LINE];	/* its beginning */
} said;					/* by the peer */
static bool sent_part;			/* so has the peer */

static void
use(void)
{
	last_use = rm_num_now_ms();
	if (mark_fd == -1 || last_use - last_mark < MARK_MS)
		return;
	last_mark = last_use;
	(void)futimens(mark_fd, NULL);
}

/* Bytes that were written to the peer and that it has not taken yet. */
static int
unread(void)
{
	int n = 0;

	if (ask == 0 || out.to == -1 || ioctl(out.to, ask, &n) == -1)
		return 0;
	return n;
}

static void
look_at_peer(void)
{
	int n = unread();

	if (n < expected)
		use();
	expected = n;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/* False if the source was lost, not closed. */
static bool
fill(struct way *w)
{
	ssize_t n = read(w->from, w->buf, sizeof(w->buf));

	if (n == -1)
		return errno == EINTR || errno == EAGAIN;
	w->off = 0;
	w->len = (size_t)n;
	if (n == 0)
		w->from = -1;	/* its number stays taken until the end */
	return true;
}

/*
 * A pipe that polls writable takes PIPE_BUF bytes at once, so that no
 * descriptor that others may share has to be made non-blocking.  Returns how
 * many went, 0 to try again, or -1 if nobody reads any more.
 */
static ssize_t
drain(struct way *w)
{
	size_t len = w->len < PIPE_BUF ? w->len : PIPE_BUF;
	ssize_t n = write(w->to, w->buf + w->off, len);

	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	w->off += (size_t)n;
	w->len -= (size_t)n;
	return n;
}

/* prog has a line; it may say that what follows is none. */
static void
end_line(void)
{
	struct rm_payload payload;

	if (said.len > 0)
		use();
	if (said.len <= sizeof(said.line) &&
	    rm_payload_parse(&payload, said.line, said.len) == 0)
		said.due = payload.len;
	said.len = 0;
}

/* prog has one more byte of the peer's. */
static void
follow(uint8_t c)
{
	if (said.due > 0) {
		if (--said.due == 0)
			use();
	} else if (c == '\n') {
		end_line();
	} else {
		if (said.len < sizeof(said.line))
			said.line[said.len] = c;
		said.len++;
	}
}

/* False if prog reads no more. */
static bool
drain_in(void)
{
	const uint8_t *p = in.buf + in.off;
	ssize_t i, n = drain(&in);

	for (i = 0; i < n; i++)
		follow(p[i]);
	return n != -1;
}

/* False if the peer is gone. */
static bool
drain_out(void)
{
	ssize_t n = drain(&out);

	if (n > 0) {
		sent_part = out.buf[out.off - 1] != '\n';
		expected += (int)n;
	}
	return n != -1;
}

/* At a line boundary, and only if the peer can take it without our waiting. */
static void
last_word(void)
{
	struct pollfd peer = { .fd = out.to, .events = POLLOUT };
	const char *word = sent_part ? WORD : WORD + 1;

	rm_info("not used for %u ms: ending", opts.limit_ms);
	if (poll(&peer, 1, 0) == 1 && peer.revents == POLLOUT)
		(void)!rm_io_write(out.to, word, strlen(word));
}

static int
timeout(void)
{
	int64_t left = last_use + opts.limit_ms - rm_num_now_ms();
	int64_t look = opts.limit_ms / 16;

	if (look < LOOK_MIN_MS)
		look = LOOK_MIN_MS;
	if (look > LOOK_MAX_MS)
		look = LOOK_MAX_MS;
	if (expected > 0 && look < left)
		left = look;
	return left > 0 ? (int)left : 0;
}

/* One round of the copier; false at the end. */
static bool
copy(void)
{
	struct pollfd fds[4] = {
		{ .fd = in.len == 0 ? in.from : -1, .events = POLLIN },
		{ .fd = in.to, .events = in.len > 0 ? POLLOUT : 0 },
		{ .fd = out.len == 0 ? out.from : -1, .events = POLLIN },
		{ .fd = out.to, .events = out.len > 0 ? POLLOUT : 0 }
	};

	if (poll(fds, 4, timeout()) == -1 && errno != EINTR)
		die(RM_EXIT_SYSTEM, "unable to wait");
	if ((fds[3].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		return false;
	if ((fds[1].revents & POLLERR) != 0 ||
	    (fds[1].revents != 0 && !drain_in())) {
		/* That is not the end of what it says. */
		in.from = -1;
		in.len = 0;
	}
	if (fds[3].revents != 0 && !drain_out())
		return false;
	if (in.from != -1 && fds[0].revents != 0 && !fill(&in))
		return false;
	if (fds[2].revents != 0 && !fill(&out))
		return false;
	look_at_peer();

	/* The end is read only when all before it has been handed on. */
	if (in.from == -1)
		close_fd(&in.to);
	if (out.from == -1)
		close_fd(&out.to);
	if (in.to == -1 && out.to == -1)
		return false;
	if (rm_num_now_ms() - last_use < opts.limit_ms)
		return true;
	last_word();
	return false;
}

/* How to ask what is unread; a terminal or a file takes all at once. */
static void
learn_peer(void)
{
	struct stat st;

	if (fstat(0, &st) == -1 || fstat(1, &st) == -1)
		die(RM_EXIT_USAGE, "no peer");
	if (S_ISFIFO(st.st_mode))
		ask = FIONREAD;
	else if (S_ISSOCK(st.st_mode))
		ask = SIOCOUTQ;
}

static _Noreturn void
run_copier(struct rm_pipes *pipes)
{
	const char ready = 0;

	pipes->also = mark_fd;
	rm_chain_take_copier(pipes);
	in.from = 0;
	in.to = pipes->to_prog;
	out.from = pipes->from_prog;
	out.to = 1;
	rm_chain_jail(rm_sandbox_copier);
	if (rm_io_write(in.to, &ready, 1) == -1)
		_exit(RM_EXIT_SYSTEM);
	last_use = rm_num_now_ms();
	while (copy())
		continue;
	_exit(RM_EXIT_OK);
}

static void
parse_args(int argc, char *argv[])
{
	int ch;

	while ((ch = getopt(argc, argv, "+m:")) != -1) {
		if (ch != 'm')
			die_usage(USAGE);
		if (opts.mark != NULL)
			diex(RM_EXIT_USAGE, "-m is given twice");
		opts.mark = optarg;
	}
	if (argc - optind < 2)
		die_usage(USAGE);
	if (rm_num_ms(&opts.limit_ms, argv[optind], LIMIT_MAX_MS) == -1)
		diex(RM_EXIT_USAGE, "bad number of seconds: %s", argv[optind]);
}

int
main(int argc, char *argv[])
{
	struct rm_pipes pipes;
	char **prog, ready;

	rm_die_init("rm-idle");
	parse_args(argc, argv);
	prog = rm_chain_prog(argv + optind + 1, USAGE);
	rm_chain_refuse_root();
	learn_peer();

	if (opts.mark != NULL) {
		mark_fd = open(opts.mark, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
		    O_NONBLOCK);
		if (mark_fd == -1)
			rm_warn("unable to mark use in %s", opts.mark);
	}
	rm_chain_pipes(&pipes);
	switch (fork()) {
	case -1:
		die(RM_EXIT_SYSTEM, "unable to fork");
	case 0:
		run_copier(&pipes);
	}
	/* The first byte is for us: the copier is in its jail. */
	rm_chain_take_program(&pipes);
	if (rm_io_read(0, &ready, 1) != 1)
		exit(RM_EXIT_USAGE);
	rm_chain_exec(prog);
}
