/* SPDX-License-Identifier: ISC */
/* Counting: distinct people, one manager, who has to be among them. */
#include "quorum.h"

#include <stdio.h>
#include <string.h>

bool
quorum_has(const struct quorum *q, const char *who)
{
	size_t i;

	for (i = 0; i < q->n; i++)
		if (strcmp(q->who[i], who) == 0)
			return true;
	return false;
}

void
quorum_add(struct quorum *q, const char *who, const char *manager)
{
	size_t at = q->n++;

	for (; at > 0 && strcmp(q->who[at - 1], who) > 0; at--)
		strcpy(q->who[at], q->who[at - 1]);
	strcpy(q->who[at], who);
	strcpy(q->manager, manager);
}

bool
quorum_is_complete(const struct quorum *q)
{
	return q->n >= q->want && quorum_has(q, q->manager);
}

void
quorum_names(const struct quorum *q, const char *separator,
    char ret[static QUORUM_TEXT_MAX])
{
	char *p = ret;
	size_t i;

	*p = '\0';
	for (i = 0; i < q->n; i++) {
		if (i > 0)
			p = stpcpy(p, separator);
		p = stpcpy(p, q->who[i]);
	}
}

void
quorum_tell(const struct quorum *q, char ret[static QUORUM_TEXT_MAX])
{
	bool waits = q->n >= q->want && !quorum_is_complete(q);
	size_t count = q->n < q->want ? q->n : q->want;
	char *p = ret;

	if (waits)
		count = q->want - 1;
	p += snprintf(p, 64, "%zu of %u", count, q->want);
	if (q->n == 0)
		return;
	p += snprintf(p, 64, " for %s: ", q->manager);
	quorum_names(q, ", ", p);
	p += strlen(p);
	if (waits)
		(void)snprintf(p, 64, "; still wanted: %s", q->manager);
}
