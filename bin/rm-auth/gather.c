/* SPDX-License-Identifier: ISC */
/*
 * A quorum on its way, for display only: what cannot be written is not, and
 * nobody is refused for that.
 */
#include "gather.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rm_env.h"
#include "rm_io.h"
#include "rm_lock.h"

static int fd = -1;

/* A file that nobody has.  It is closed on exec: the session is no quorum. */
static void
take_slot(void)
{
	char path[PATH_MAX], name[32];
	int i;

	for (i = 1; fd == -1 && i <= GATHER_SLOTS; i++) {
		(void)snprintf(name, sizeof(name), "quorum.%d", i);
		rm_env_run_path(path, sizeof(path), name);
		fd = rm_lock_take(path);
	}
}

void
gather_tell(const struct quorum *q, const char *ip)
{
	char names[QUORUM_TEXT_MAX], text[QUORUM_TEXT_MAX + 256];
	int n;

	take_slot();
	if (fd == -1)
		return;
	quorum_names(q, ",", names);
	n = snprintf(text, sizeof(text), "have %zu\nwant %u\nmanager %s\n"
	    "custodians %s\nip %s\n", q->n, q->want, q->manager, names, ip);
	if (ftruncate(fd, 0) == -1 || lseek(fd, 0, SEEK_SET) == -1 ||
	    rm_io_write(fd, text, (size_t)n) == -1)
		rm_warn("unable to write down who has signed");
}
