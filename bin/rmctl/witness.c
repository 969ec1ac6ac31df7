/* SPDX-License-Identifier: ISC */
/*
 * Every station is a witness against a log that was shortened or rewritten:
 * it remembers the highest head that each appliance has shown, by the
 * appliance's key, in $XDG_STATE_HOME/rm/KEYID.
 */
#include "rmctl.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "rm_io.h"
#include "rm_num.h"

/* 0 and what is remembered, or -1 if nothing is, or nothing that helps. */
static int
recall(const char *path, uint64_t *ret_number, char ret_hash[RM_HASH_HEX])
{
	char text[128], *hash;

	if (rm_io_load(path, text, sizeof(text)) == -1)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if ((hash = strchr(text, ' ')) == NULL)
		return -1;
	*hash++ = '\0';
	if (!rm_text_is_hex(hash, RM_HASH_HEX - 1) ||
	    rm_num_u64(ret_number, text, 0, UINT64_MAX) == -1)
		return -1;
	strcpy(ret_hash, hash);
	return 0;
}

void
witness_look(const struct link *l)
{
	const struct rm_greeting *g = &l->greeting;
	char path[PATH_MAX], text[128], hash[RM_HASH_HEX];
	uint64_t number;
	int n;

	if (input_path(path, sizeof(path), "XDG_STATE_HOME", ".local/state",
	    l->peer.keyid) == -1)
		return;
	if (recall(path, &number, hash) == 0) {
		if (g->log_number < number)
			rm_warnx("THE AUDIT LOG OF %s HAS BEEN SHORTENED: it "
			    "ends at record %" PRIu64 ", and this station has "
			    "seen %" PRIu64 " (%s)", l->where,
			    g->log_number, number, path);
		else if (g->log_number == number &&
		    strcmp(g->log_hash, hash) != 0)
			rm_warnx("THE AUDIT LOG OF %s HAS BEEN REWRITTEN: "
			    "record %" PRIu64 " is another than this station "
			    "has seen (%s)", l->where, number, path);
		/* The highest stays, so that the warning does. */
		if (g->log_number <= number)
			return;
	}
	n = snprintf(text, sizeof(text), "%" PRIu64 " %s\n", g->log_number,
	    g->log_hash);
	if (input_replace(path, text, (size_t)n) == -1)
		rm_warn("unable to remember the log's head in %s", path);
}
