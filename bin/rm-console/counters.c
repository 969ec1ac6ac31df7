/* SPDX-License-Identifier: ISC */
/*
 * Counters: gauges, numbers, and the last seconds of each.  A sample is taken
 * each second while this is on the screen, and never otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"
#include "rm_num.h"
#include "view.h"

#define SECONDS		48	/* of history: what fits beside the names */
#define CLIENTS		128	/* the service has room for so many */
#define ROWS		4

static struct {
	struct sample now;
	size_t n;			/* samples of history */
	uint64_t history[ROWS][SECONDS], most[ROWS];
	char value[ROWS][32], text[4096];
} c;

static const char *const row_name[ROWS] = {
	"CPU", "memory", "service sessions", "PKCS#11 calls"
};

/* A gauge is full at: as many percent, as many clients, the most so far. */
static uint64_t
full(size_t row)
{
	static const uint64_t fixed[ROWS] = { 100, 100, CLIENTS, 0 };

	if (fixed[row] != 0)
		return fixed[row];
	return c.most[row] > 0 ? c.most[row] : 1;
}

static void
take(void)
{
	struct sample before = c.now;
	uint64_t fresh[ROWS];
	size_t i;

	sample_take(&c.now, &before);
	fresh[0] = c.now.cpu;
	fresh[1] = c.now.memory;
	fresh[2] = c.now.sessions;
	fresh[3] = c.now.rate[RM_TALLY_CALLS];
	if (c.n == SECONDS)
		c.n--;
	for (i = 0; i < ROWS; i++) {
		memmove(c.history[i] + 1, c.history[i],
		    c.n * sizeof(c.history[0][0]));
		c.history[i][0] = fresh[i];
		if (fresh[i] > c.most[i])
			c.most[i] = fresh[i];
	}
	c.n++;
}

/* Eight heights; the Linux console's fonts have them no more than ASCII. */
static const char *
step(uint64_t value, uint64_t most)
{
	static const char *const block[] = { "\xe2\x96\x81", "\xe2\x96\x82",
	    "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
	    "\xe2\x96\x87", "\xe2\x96\x88" };
	static const char *const ascii[] = { "_", ".", ":", "-", "=", "+",
	    "*", "#" };
	const char *term = getenv("TERM");
	size_t i = value >= most ? 7 : (size_t)(value * 8 / most);

	return screen_has_utf8() && strcmp(term, "linux") != 0 ? block[i] :
	    ascii[i];
}

/* The latest at the right, where the eye expects it. */
static size_t
put_history(size_t len, size_t row)
{
	size_t i;

	len += (size_t)snprintf(c.text + len, sizeof(c.text) - len,
	    "%-18s%*s", row_name[row], (int)(SECONDS - c.n), "");
	for (i = c.n; i > 0; i--)
		len += (size_t)snprintf(c.text + len, sizeof(c.text) - len,
		    "%s", step(c.history[row][i - 1], full(row)));
	return len + (size_t)snprintf(c.text + len, sizeof(c.text) - len,
	    "\n");
}

static size_t
put_count(size_t len, const char *name, enum rm_tally_slot slot)
{
	return len + (size_t)snprintf(c.text + len, sizeof(c.text) - len,
	    "%-26s%12llu%16llu\n", name, (unsigned long long)c.now.rate[slot],
	    (unsigned long long)c.now.all.n[slot]);
}

static void
write_text(void)
{
	size_t i, len;

	len = (size_t)snprintf(c.text, sizeof(c.text), "%-26s%12s%16s\n",
	    "", "a second", "since boot");
	len = put_count(len, "PKCS#11 calls", RM_TALLY_CALLS);
	len = put_count(len, "log-ins to the service", RM_TALLY_SERVICE);
	len = put_count(len, "management sessions", RM_TALLY_MANAGEMENT);
	len = put_count(len, "refused connections", RM_TALLY_REFUSED);
	len += (size_t)snprintf(c.text + len, sizeof(c.text) - len, "\n");
	for (i = 0; i < ROWS; i++)
		len = put_history(len, i);
}

static void
write_values(void)
{
	(void)snprintf(c.value[0], sizeof(c.value[0]), "%u %%", c.now.cpu);
	(void)snprintf(c.value[1], sizeof(c.value[0]), "%u %%", c.now.memory);
	(void)snprintf(c.value[2], sizeof(c.value[0]), "%u of %u",
	    c.now.sessions, CLIENTS);
	(void)snprintf(c.value[3], sizeof(c.value[0]), "%llu/s",
	    (unsigned long long)c.now.rate[RM_TALLY_CALLS]);
}

static void
fill(struct window *w)
{
	uint64_t percent;
	size_t i;

	if (c.now.at_ms == 0 || rm_num_now_ms() - c.now.at_ms >=
	    MONITOR_MS) {
		take();
		write_text();
		write_values();
	}
	*w = (struct window){ .title = "Counters", .text = c.text,
	    .n_gauges = ROWS, .n_buttons = 1, .button = { "OK" } };
	for (i = 0; i < ROWS; i++) {
		percent = c.history[i][0] * 100 / full(i);
		w->gauge[i] = (struct screen_gauge){ row_name[i], c.value[i],
		    percent > 100 ? 100 : (unsigned int)percent };
	}
}

static unsigned int
tick_ms(void)
{
	return MONITOR_MS;
}

/* What was seen once is not kept: the next one begins anew. */
static void
left(void)
{
	memset(&c, 0, sizeof(c));
}

const struct view counters_view = {
	.fill = fill, .left = left, .tick_ms = tick_ms
};
