/* SPDX-License-Identifier: ISC */
/*
 * A payload on its way through the wire half.
 *
 *   none -> COMING   its announcement                        (intake_begin)
 *   COMING -> whole  all its bytes were taken                (intake_take)
 *   whole -> none    its command took it, or was refused     (intake_forget)
 *
 * One that cannot be had is taken all the same, and forgotten byte by byte:
 * so the next line is found, and is what is refused.
 * MUST: hand over only what is whole, and only in front of a good command.
 * MUST: wipe; it may hold secrets.
 */
#include <string.h>

#include "exec.h"
#include "rm_io.h"
#include "rm_payload.h"

static struct {
	bool has;		/* announced, and not forgotten */
	const char *bad;	/* why no command can have it, or NULL */
	uint32_t due;		/* bytes that are still to come */
	struct rm_payload head;
	uint8_t bytes[RM_PAYLOAD_MAX];
} in;

bool
intake_begin(const uint8_t *line, size_t len)
{
	struct rm_payload head;

	if (rm_payload_parse(&head, line, len) == -1)
		return false;
	if (in.has)
		in.bad = "a command takes one payload";
	else if (head.len > RM_PAYLOAD_MAX)
		in.bad = "a payload has at most 65536 bytes";
	in.has = true;
	in.due = head.len;
	in.head = head;
	return true;
}

bool
intake_wants(void)
{
	return in.due > 0;
}

size_t
intake_take(const uint8_t *buf, size_t len)
{
	if (len > in.due)
		len = in.due;
	if (in.bad == NULL)
		memcpy(in.bytes + in.head.len - in.due, buf, len);
	in.due -= (uint32_t)len;
	return len;
}

const char *
intake_fault(void)
{
	return in.bad;
}

int
intake_send(int sock)
{
	static struct request req;
	size_t off = 0, len;
	int rc;

	if (!in.has)
		return 0;
	memset(&req, 0, sizeof(req));
	req.kind = REQUEST_PAYLOAD;
	req.n = in.head.len;
	req.len = (uint32_t)strlen(in.head.name) + 1;
	memcpy(req.text, in.head.name, req.len);
	rc = rm_io_write(sock, &req, sizeof(req));
	req.kind = REQUEST_DATA;
	for (; rc == 0 && off < in.head.len; off += len) {
		len = in.head.len - off;
		if (len > sizeof(req.text))
			len = sizeof(req.text);
		req.len = (uint32_t)len;
		memcpy(req.text, in.bytes + off, len);
		rc = rm_io_write(sock, &req, sizeof(req));
	}
	explicit_bzero(&req, sizeof(req));
	return rc;
}

void
intake_forget(void)
{
	if (in.has)
		explicit_bzero(&in, sizeof(in));
}
