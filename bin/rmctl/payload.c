/* SPDX-License-Identifier: ISC */
/*
 * What goes with a command: read whole before anything is said, so that no
 * session waits for a file, and in locked memory, since it may be a secret.
 */
#include "rmctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_payload.h"
#include "rm_secret.h"

int
payload_load(struct payload *ret, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	ssize_t n = -1;
	int fd = STDIN_FILENO, saved;

	ret->len = 0;
	if ((ret->bytes = rm_secret_alloc(RM_PAYLOAD_MAX + 1)) == NULL)
		return rmctl_fail(RM_CODE_SYSTEM, "no memory for a payload");
	if (!is_stdin)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd != -1)
		n = rm_io_read(fd, ret->bytes, RM_PAYLOAD_MAX + 1);
	saved = errno;
	if (!is_stdin && fd != -1)
		(void)close(fd);
	if (n == -1)
		return rmctl_fail(RM_CODE_USAGE, "unable to read the payload "
		    "%s: %s", path, strerror(saved));
	if (n > RM_PAYLOAD_MAX)
		return rmctl_fail(RM_CODE_USAGE, "the payload %s has more "
		    "than %d bytes", path, RM_PAYLOAD_MAX);
	ret->len = (size_t)n;
	return RM_CODE_OK;
}

int
payload_send(struct link *l, const struct payload *p)
{
	char line[RM_PAYLOAD_LINE + 2];
	int len, rc;

	if (p->bytes == NULL)
		return RM_CODE_OK;
	/* The appliance knows what its operation takes; we need not. */
	len = snprintf(line, sizeof(line), "< " RM_PAYLOAD_ANY " %zu\n",
	    p->len);
	if ((rc = link_send(l, line, (size_t)len)) != RM_CODE_OK)
		return rc;
	return link_send(l, p->bytes, p->len);
}

void
payload_free(struct payload *p)
{
	rm_secret_free(p->bytes);
	p->bytes = NULL;
	p->len = 0;
}
