/* SPDX-License-Identifier: ISC */
/*
 * The file is an array of 64-bit numbers as this machine writes them, one a
 * slot.  Nobody shortens it while it is mapped: it goes by unlink(2) at boot.
 */
#include "rm_tally.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(RM_TALLY_SLOTS * sizeof(uint64_t) <= RM_TALLY_BYTES,
    "the slots fit into the file");
_Static_assert(sizeof(_Atomic uint64_t) == sizeof(uint64_t),
    "an atomic number has no lock beside it");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic uint64_t *counters;	/* NULL: nothing is counted */

/* The file, mapped for all; NULL with errno. */
static void *
map(const char *path, int flags, int protection)
{
	struct stat st;
	void *p = MAP_FAILED;
	int fd, saved;

	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size != RM_TALLY_BYTES)
		errno = EINVAL;
	else
		p = mmap(NULL, RM_TALLY_BYTES, protection, MAP_SHARED, fd, 0);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

static void
open_once(void)
{
	const char *path = secure_getenv("RM_TALLY");

	if (path != NULL && *path != '\0')
		counters = map(path, O_RDWR, PROT_READ | PROT_WRITE);
}

void
rm_tally_open(void)
{
	int saved = errno;

	(void)pthread_once(&once, open_once);
	errno = saved;
}

void
rm_tally_add(enum rm_tally_slot slot, uint64_t n)
{
	rm_tally_open();
	if (counters != NULL)
		(void)atomic_fetch_add_explicit(&counters[slot], n,
		    memory_order_relaxed);
}

int
rm_tally_read(const char *path, struct rm_tally *ret)
{
	_Atomic uint64_t *p = map(path, O_RDONLY, PROT_READ);
	size_t i;

	if (p == NULL)
		return -1;
	for (i = 0; i < RM_TALLY_SLOTS; i++)
		ret->n[i] = atomic_load_explicit(&p[i], memory_order_relaxed);
	(void)munmap((void *)p, RM_TALLY_BYTES);
	return 0;
}
