/* SPDX-License-Identifier: ISC */
/*
 * The payload of one command, in the runner half: a file of memory that
 * nobody can change once it is whole, so that what the log has a hash of is
 * what the operation reads.  It never touches a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec.h"
#include "rm_die.h"
#include "rm_io.h"
#include "rm_payload.h"

#define SEALS	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* No memory, or no descriptor: the command learns it, the session goes on. */
static void
lose(struct payload *p)
{
	rm_warn("unable to keep a payload");
	if (p->fd != -1)
		(void)close(p->fd);
	p->fd = -1;
}

static void
seal(struct payload *p)
{
	if (lseek(p->fd, 0, SEEK_SET) == -1 ||
	    fcntl(p->fd, F_ADD_SEALS, SEALS) == -1 ||
	    rm_hash_sha256_fd(p->sha256, p->fd) == -1)
		lose(p);
}

int
payload_begin(struct payload *p, const struct request *req)
{
	if (p->has || req->n > RM_PAYLOAD_MAX || req->len == 0 ||
	    req->len > sizeof(p->name) ||
	    memchr(req->text, '\0', req->len) != req->text + req->len - 1 ||
	    !rm_text_is_name(req->text))
		return -1;
	p->has = true;
	p->left = req->n;
	strcpy(p->name, req->text);
	p->fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->fd == -1)
		lose(p);
	else if (p->left == 0)
		seal(p);
	return 0;
}

int
payload_add(struct payload *p, const struct request *req)
{
	if (!p->has || req->len == 0 || req->len > sizeof(req->text) ||
	    req->len > p->left)
		return -1;
	p->left -= req->len;
	if (p->fd != -1 && rm_io_write(p->fd, req->text, req->len) == -1)
		lose(p);
	if (p->fd != -1 && p->left == 0)
		seal(p);
	return 0;
}

void
payload_drop(struct payload *p)
{
	if (p->has && p->fd != -1)
		(void)close(p->fd);
	memset(p, 0, sizeof(*p));
}

int
payload_open(const struct payload *p)
{
	char path[64];

	if (!p->has)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* Another opening: it reads from the start, and reads only. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", p->fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}
