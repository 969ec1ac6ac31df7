/* SPDX-License-Identifier: ISC */
/*
 * What an operation prints, turned into lines of the wire.  Fed by job.c with
 * whatever a pipe gives; never holds a whole line back while there is room.
 * The bytes are our own operation's, but it may quote strangers: control
 * characters never pass.
 */
#include <string.h>

#include "exec.h"
#include "rm_num.h"

bool
packet_put(struct packet *p, char mark, const void *text, size_t len)
{
	char *to = p->text + p->len;

	if (len + 3 > sizeof(p->text) - p->len)
		return false;
	*to++ = mark;
	*to++ = ' ';
	memcpy(to, text, len);
	to[len] = '\n';
	p->len += len + 3;
	return true;
}

/*
 * "%% N text": progress.  Returns 1 if it is that and went out, 0 if it is
 * not, -1 if there is no room.
 */
static int
put_progress(struct lines *l, struct packet *p)
{
	char text[REASON_MAX], number[4] = "";
	size_t digits;
	uint32_t n;

	if (l->fill < 4 || memcmp(l->line, "%% ", 3) != 0)
		return 0;
	rm_text_clean(text, sizeof(text), l->line + 3, l->fill - 3);
	digits = strcspn(text, " ");
	if (digits == 0 || digits > 3 || (digits > 1 && text[0] == '0'))
		return 0;
	memcpy(number, text, digits);
	if (rm_num_u32(&n, number, 0, 100) == -1)
		return 0;
	if (!packet_put(p, '%', text, strlen(text)))
		return -1;
	strcpy(l->progress, text);
	l->progressed = true;
	return 1;
}

/* "!! code text": kept, in case that the operation fails. */
static bool
keep_reason(struct lines *l)
{
	char word[RM_NAME_MAX + 1];
	const uint8_t *text, *space;
	enum rm_code code;
	size_t len;

	if (l->fill < 4 || memcmp(l->line, "!! ", 3) != 0)
		return false;
	text = l->line + 3;
	len = l->fill - 3;
	space = memchr(text, ' ', len);
	if (space == NULL || (size_t)(space - text) >= sizeof(word))
		return false;
	rm_text_clean(word, (size_t)(space - text) + 1, text, len);
	if ((code = rm_code_of_word(word)) == RM_CODE_OK)
		return false;
	l->code = code;
	len -= (size_t)(space + 1 - text);
	rm_text_clean(l->reason, sizeof(l->reason), space + 1, len);
	return true;
}

/* Lets go of the first n bytes of line, which are out. */
static void
used(struct lines *l, size_t n, bool rest)
{
	memmove(l->line, l->line + n, l->fill - n);
	l->fill -= n;
	l->rest = rest;
	l->ready = false;
}

/* A whole line, or the last part of one. */
static bool
put_line(struct lines *l, struct packet *p)
{
	char text[PACKET_TEXT];
	int rc = 0;

	if (!l->rest) {
		if ((rc = put_progress(l, p)) == -1)
			return false;
		if (rc == 0 && keep_reason(l))
			rc = 1;
	}
	if (rc == 0 && !packet_put(p, ':', text,
	    rm_text_clean_utf8(text, l->line, l->fill)))
		return false;
	used(l, l->fill, false);
	return true;
}

/* As much of a line that is too long as fits in one of the wire's. */
static bool
put_part(struct lines *l, struct packet *p)
{
	char text[PACKET_TEXT];
	size_t n = l->fill, back;

	/* Not through the middle of a UTF-8 sequence, if it is one. */
	for (back = 1; back <= 4; back++) {
		if (l->line[l->fill - back] < 0x80)
			break;
		if (l->line[l->fill - back] >= 0xc0) {
			n = l->fill - back;
			break;
		}
	}
	if (!packet_put(p, ':', text, rm_text_clean_utf8(text, l->line, n)))
		return false;
	used(l, n, true);
	return true;
}

bool
lines_pump(struct lines *l, struct packet *p)
{
	uint8_t c;

	if (l->ready && !put_line(l, p))
		return false;
	while (l->pos < l->len) {
		c = l->raw[l->pos];
		if (c != '\n' && l->fill == sizeof(l->line)) {
			if (!put_part(l, p))
				return false;
			continue;
		}
		l->pos++;
		if (c != '\n') {
			l->line[l->fill++] = c;
			continue;
		}
		l->ready = true;
		if (!put_line(l, p))
			return false;
	}
	l->pos = l->len = 0;
	return true;
}

bool
lines_finish(struct lines *l, struct packet *p)
{
	if (!lines_pump(l, p))
		return false;
	return l->fill == 0 || put_line(l, p);
}
