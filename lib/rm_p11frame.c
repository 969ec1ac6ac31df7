/* SPDX-License-Identifier: ISC */
/*
 * Frames of p11-kit's remote protocol, as p11-kit 0.24 writes them
 * (p11-kit/rpc-transport.c, rpc-message.c); 0.25 has the same frames behind
 * another version.  Fed by an application and by a service: a length is
 * believed only as far as to count down the bytes that do come.
 */
#include "rm_p11frame.h"

#include <string.h>

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *
put_u32(uint8_t *p, uint32_t n)
{
	*p++ = (uint8_t)(n >> 24);
	*p++ = (uint8_t)(n >> 16);
	*p++ = (uint8_t)(n >> 8);
	*p++ = (uint8_t)n;
	return p;
}

static enum rm_p11frame_event
take_head(struct rm_p11frame *f, const uint8_t *buf, size_t len, size_t *ret_n)
{
	size_t n = RM_P11FRAME_HEAD - f->n_head;

	if (n > len)
		n = len;
	memcpy(f->head + f->n_head, buf, n);
	f->n_head += n;
	*ret_n = n;
	if (f->n_head < RM_P11FRAME_HEAD)
		return RM_P11FRAME_MORE;
	f->code = get_u32(f->head);
	f->left = (uint64_t)get_u32(f->head + 4) + get_u32(f->head + 8);
	return RM_P11FRAME_BEGIN;
}

enum rm_p11frame_event
rm_p11frame_step(struct rm_p11frame *f, const uint8_t *buf, size_t len,
    size_t *ret_n)
{
	if (f->n_head == RM_P11FRAME_HEAD) {
		*ret_n = f->left < len ? (size_t)f->left : len;
		f->left -= *ret_n;
		if (f->left > 0)
			return RM_P11FRAME_MORE;
		f->n_head = 0;
		return RM_P11FRAME_END;
	}
	*ret_n = 0;
	if (len == 0)
		return RM_P11FRAME_MORE;
	if (f->begun)
		return take_head(f, buf, len, ret_n);
	f->begun = true;
	f->version = *buf;
	*ret_n = 1;
	return RM_P11FRAME_VERSION;
}

bool
rm_p11frame_is_open(const struct rm_p11frame *f)
{
	return f->n_head == RM_P11FRAME_HEAD;
}

void
rm_p11frame_failed(uint8_t ret[static RM_P11FRAME_FAILED], uint32_t code,
    uint64_t rv)
{
	uint8_t *p = ret;

	p = put_u32(p, code);
	p = put_u32(p, 0);
	p = put_u32(p, RM_P11FRAME_FAILED - RM_P11FRAME_HEAD);
	p = put_u32(p, 0);	/* the call: an error */
	p = put_u32(p, 1);	/* its signature: one number */
	*p++ = 'u';
	p = put_u32(p, (uint32_t)(rv >> 32));
	(void)put_u32(p, (uint32_t)rv);
}
