/* SPDX-License-Identifier: ISC */
/*
 * rm-console: the local console of the appliance.
 * Whoever sits here wins.  It shows facts, which it never keeps: files and
 * locks, looked at after each event.  While remote management is armed there
 * is one window, and any byte from the terminal ends it: unlinked first, then
 * drawn, then recorded.  It never waits for a peer, a program or the log.
 * Its rooms, in bin/rm-console: what is so (facts, watch, task); drawing
 * (screen, layout, keys); the screens (ui and the views it shows).
 * Example: rm-keep run/on -- rm-console
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm-console/console.h"
#include "rm-console/monitor.h"
#include "rm-console/screen.h"
#include "rm_env.h"

#define USAGE		"rm-console [--plain]\n" \
			"       rm-console --monitor\n" \
			"       rm-console --self-test"

bool
local_activity(void)
{
	int rc = facts_disarm();

	if (rc == -1)
		rm_warn("unable to disarm");
	return rc != 0;
}

void
record_disarm(void)
{
	static const char *const argv[] = { "rm-supervise", "disarm", NULL };

	task_start(NULL, argv, NULL, 0, false);
}

/* Operations and tools are found like rm-supervise finds them. */
static void
find_tools(char *ret_ops, size_t size)
{
	char path[2 * PATH_MAX], self[PATH_MAX - 16], *slash;
	const char *ops = getenv("RM_OPS"), *old = getenv("PATH");
	ssize_t n;

	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) == -1)
		die(RM_EXIT_SYSTEM, "unable to find out where I am");
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) != NULL)
		*slash = '\0';
	(void)snprintf(path, sizeof(path), "%s%s%s",
	    old != NULL ? old : "/usr/local/bin:/usr/bin:/bin", ":", self);
	rm_env_set("PATH", path);
	if ((slash = strrchr(self, '/')) != NULL)
		*slash = '\0';
	if (ops != NULL && *ops != '\0' && strlen(ops) < size)
		strcpy(ret_ops, ops);
	else
		(void)snprintf(ret_ops, size, "%s/lib/rm/ops", self);
}

/* The operation itself: its lines, and its exit code. */
static _Noreturn void
self_test(const char *ops)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/self-test", ops);
	rm_env_set("RM_OPS", ops);
	rm_env_set("RM_STATE", rm_env_state());
	rm_env_set("RM_RUN", rm_env_run());
	rm_env_set("RM_PROGRESS", "no");
	(void)execl(path, path, (char *)NULL);
	die(RM_EXIT_SYSTEM, "unable to run %s", path);
}

int
main(int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "monitor", no_argument, NULL, 'm' },
		{ "plain", no_argument, NULL, 'p' },
		{ "self-test", no_argument, NULL, 't' }, { 0 }
	};
	int ch, events, tty, mode = 0;
	char ops[PATH_MAX];

	rm_die_init("rm-console");
	while ((ch = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (ch == '?' || mode != 0)
			die_usage(USAGE);
		mode = ch;
	}
	if (optind != argc)
		die_usage(USAGE);
	find_tools(ops, sizeof(ops));
	if (mode == 't')
		self_test(ops);
	if (mode == 'm')
		lines_run();
	events = watch_open();
	if (mode == 'p' || !screen_is_possible())
		plain_run(events);
	tty = screen_open();
	(void)atexit(screen_close);
	ui_run(tty, events, ops);
}
