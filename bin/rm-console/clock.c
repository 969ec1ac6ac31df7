/* SPDX-License-Identifier: ISC */
/*
 * Date and time, as they are.  They are shown and written down, and decide
 * nothing: what has a limit is counted by a clock that nobody can set.
 */
#include <stdio.h>
#include <time.h>

#include "view.h"

#define TICK_MS	1000

static void
fill(struct window *w)
{
	static char text[512];
	char utc[64], here[64];
	time_t now = time(NULL);
	struct tm tm;
	struct timespec up;

	if (gmtime_r(&now, &tm) == NULL || strftime(utc, sizeof(utc),
	    "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		utc[0] = '\0';
	if (localtime_r(&now, &tm) == NULL || strftime(here, sizeof(here),
	    "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		here[0] = '\0';
	(void)clock_gettime(CLOCK_BOOTTIME, &up);
	(void)snprintf(text, sizeof(text), "%s\n%s\n\nThe machine is up for "
	    "%lld s.\nThe host sets its clock.  No limit and no order goes "
	    "by it.\n", utc, here, (long long)up.tv_sec);
	*w = (struct window){ .title = "Date and Time", .text = text,
	    .n_buttons = 1, .button = { "OK" } };
}

static unsigned int
tick_ms(void)
{
	return TICK_MS;
}

const struct view clock_view = { .fill = fill, .tick_ms = tick_ms };
