/* SPDX-License-Identifier: ISC */
/*
 * The accounting of visitors.  Whoever opens many connections meets himself
 * first: an address at its cap loses its own oldest, and a full house loses
 * the oldest of the busiest address, so that one connection from anywhere
 * else is let in and stays.
 */
#include "rm_visitors.h"

#include <stdlib.h>
#include <string.h>

/* How many of net count; *ret_oldest is untouched if none does. */
static size_t
count_from(const struct rm_visitors *all, const uint8_t *net,
    size_t *ret_oldest)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++) {
		if (all->v[i].state != RM_VISITOR_HERE ||
		    memcmp(all->v[i].net, net, RM_ADDR_NET) != 0)
			continue;
		if (n++ == 0)
			*ret_oldest = i;
	}
	return n;
}

size_t
rm_visitors_count(const struct rm_visitors *all)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		if (all->v[i].state == RM_VISITOR_HERE)
			n++;
	return n;
}

/* Between two that are equally busy, the one that came first. */
static size_t
oldest_of_busiest(const struct rm_visitors *all)
{
	size_t i, n, most = 0, oldest = 0, victim = 0;

	for (i = 0; i < all->n; i++) {
		if (all->v[i].state != RM_VISITOR_HERE)
			continue;
		n = count_from(all, all->v[i].net, &oldest);
		if (n > most) {
			most = n;
			victim = oldest;
		}
	}
	return victim;
}

enum rm_visitors_verdict
rm_visitors_choose(const struct rm_visitors *all,
    const uint8_t net[static RM_ADDR_NET], size_t *ret_victim)
{
	size_t oldest = 0;
	bool crowded = count_from(all, net, &oldest) >= all->max_each;

	if (!crowded && rm_visitors_count(all) < all->max)
		return RM_VISITORS_WELCOME;
	if (!all->evict)
		return RM_VISITORS_REFUSE;
	*ret_victim = crowded ? oldest : oldest_of_busiest(all);
	return RM_VISITORS_EVICT;
}

int
rm_visitors_add(struct rm_visitors *all, const struct rm_visitor *one)
{
	struct rm_visitor *v;
	size_t room;

	if (all->n == all->room) {
		room = all->room == 0 ? 16 : 2 * all->room;
		if ((v = reallocarray(all->v, room, sizeof(*v))) == NULL)
			return -1;
		all->v = v;
		all->room = room;
	}
	all->v[all->n++] = *one;
	return 0;
}

void
rm_visitors_remove(struct rm_visitors *all, size_t i)
{
	all->n--;
	memmove(all->v + i, all->v + i + 1, (all->n - i) * sizeof(*all->v));
}
