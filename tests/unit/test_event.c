/* SPDX-License-Identifier: ISC */
/*
 * Events over a real socket: a child is the appender, and ends each of its
 * connections in one of the ways in which an appender can.  What it read
 * stands in a file, a line an event, "-" before each connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_event.h"
#include "rm_io.h"
#include "tap.h"

static pid_t appender;

static void
must(bool good, const char *what)
{
	if (good)
		return;
	printf("Bail out! %s\n", what);
	exit(111);
}

static void
note(const char *text)
{
	FILE *f = fopen("got", "a");

	must(f != NULL && fprintf(f, "%s\n", text) > 0 && fclose(f) == 0,
	    "unable to write what came");
}

/*
 * One connection, a letter an event: + and ! answer; r closes without an
 * answer, u without having read it, h does nothing any more.
 */
static void
serve(int fd, const char *acts)
{
	struct pollfd one = { fd, POLLIN, 0 };
	char line[256];
	ssize_t n;

	note("-");
	for (; *acts != '\0'; acts++) {
		must(poll(&one, 1, 60000) == 1, "no event came");
		if (*acts == 'u')
			break;
		n = rm_io_line(fd, line, sizeof(line) - 1);
		if (n == -1)
			break;
		line[n] = '\0';
		note(line);
		if (*acts == 'r')
			break;
		if (*acts == 'h')
			(void)pause();
		must(rm_io_write(fd, *acts == '!' ? "! system full\n" :
		    "+ 7 00\n", *acts == '!' ? 14 : 7) == 0, "no answer");
	}
	(void)close(fd);
}

/* An appender that serves a connection for each of these words. */
static struct rm_event_log
start(const char *const *acts)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "sock" };
	struct rm_event_log log = { .path = "sock", .fd = -1 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unlink("sock");
	(void)unlink("got");
	must(fd != -1 && bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 &&
	    listen(fd, 8) == 0 && fflush(stdout) == 0 &&
	    (appender = fork()) != -1, "no appender");
	if (appender == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (; *acts != NULL; acts++)
			serve(accept(fd, NULL, NULL), *acts);
		_exit(0);
	}
	(void)close(fd);
	return log;
}

/* Ends it; true if that is what came. */
static bool
came(struct rm_event_log *log, const char *want)
{
	char got[1024];
	ssize_t n;

	(void)close(log->fd);
	(void)kill(appender, SIGTERM);
	must(waitpid(appender, NULL, 0) == appender, "the appender is lost");
	n = rm_io_load("got", got, sizeof(got));
	if (n != -1 && strcmp(got, want) == 0)
		return true;
	printf("# came: %s", n == -1 ? "nothing\n" : got);
	return false;
}

static int
say(struct rm_event_log *log, const char *name)
{
	static struct rm_event event;
	uint64_t number = 0;

	rm_event_begin(&event, name);
	if (rm_event_tell(log, &event, true, &number) == -1)
		return -1;
	return number == 7 ? 0 : -2;
}

static int
post(struct rm_event_log *log, const char *name)
{
	static struct rm_event event;

	rm_event_begin(&event, name);
	return rm_event_post(log, &event);
}

static void
wait_for_end(const struct rm_event_log *log)
{
	struct pollfd one = { log->fd, POLLIN, 0 };

	must(poll(&one, 1, 60000) == 1, "the connection does not end");
}

static void
test_kept(void)
{
	const char *const acts[] = { "+++", "+", NULL };
	struct rm_event_log log = start(acts);

	ok(say(&log, "a") == 0 && say(&log, "b") == 0,
	    "events are told and numbered");
	ok((fcntl(log.fd, F_GETFD) & FD_CLOEXEC) != 0,
	    "no program gets the connection");
	ok(say(&log, "c") == 0, "and another");
	wait_for_end(&log);
	ok(say(&log, "d") == 0, "the appender was restarted");
	ok(came(&log, "-\ndurable a\ndurable b\ndurable c\n-\ndurable d\n"),
	    "over one connection as long as it is there");
}

static void
test_unread(void)
{
	const char *const acts[] = { "+u", "+", NULL };
	struct rm_event_log log = start(acts);

	ok(say(&log, "a") == 0 && say(&log, "b") == 0,
	    "the appender ended before it read an event");
	ok(came(&log, "-\ndurable a\n-\ndurable b\n"), "the next one has it");
}

static void
test_once(void)
{
	const char *const acts[] = { "+r", "+", NULL };
	struct rm_event_log log = start(acts);

	ok(say(&log, "a") == 0 && say(&log, "b") == -1 && errno == ENODATA,
	    "the appender ended after it read an event");
	ok(say(&log, "c") == 0 &&
	    came(&log, "-\ndurable a\ndurable b\n-\ndurable c\n"),
	    "that is not told twice");
}

static void
test_refused(void)
{
	const char *const acts[] = { "!", "!", "+", NULL };
	struct rm_event_log log = start(acts);

	ok(say(&log, "a") == -1 && post(&log, "b") == 0 &&
	    say(&log, "c") == 0, "what the log refuses is refused");
	ok(came(&log, "-\ndurable a\n-\nrelaxed b\n-\ndurable c\n"),
	    "and said once");
}

static void
test_post(void)
{
	const char *const acts[] = { "++", NULL };
	struct rm_event_log log = start(acts);

	(void)kill(appender, SIGSTOP);
	ok(post(&log, "a") == 0, "to post is not to wait");
	(void)kill(appender, SIGCONT);
	ok(say(&log, "b") == 0, "the next event takes both answers");
	ok(came(&log, "-\nrelaxed a\ndurable b\n"), "in their order");
}

static void
test_hang(void)
{
	const char *const acts[] = { "h", NULL };
	struct rm_event_log log = start(acts);

	ok(post(&log, "a") == 0 && say(&log, "b") == -1 && errno == EAGAIN &&
	    log.fd == -1, "an appender that hangs holds nobody up");
	ok(came(&log, "-\nrelaxed a\n"), "and is told no more");
	log = start(acts);
	ok(say(&log, "a") == -1 && errno == EAGAIN,
	    "nor does it with the first event");
	(void)came(&log, "-\ndurable a\n");
}

static void
test_none(void)
{
	struct rm_event_log log = { .path = "nobody", .fd = -1 };

	ok(say(&log, "a") == -1 && errno == ENOENT && log.fd == -1 &&
	    post(&log, "b") == -1, "without a log nothing is told");
}

int
main(void)
{
	char folder[] = "/tmp/rm-event.XXXXXX";

	rm_die_init("test_event");
	must(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder");
	test_kept();
	test_unread();
	test_once();
	test_refused();
	test_post();
	test_hang();
	test_none();
	printf("1..%d\n", tests);
	(void)unlink("sock");
	(void)unlink("got");
	return rmdir(folder) == 0 ? 0 : 111;
}
