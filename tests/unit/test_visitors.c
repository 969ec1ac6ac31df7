/* SPDX-License-Identifier: ISC */
/* Table tests of rm_visitors and of the pure part of rm_addr. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm_addr.h"
#include "rm_visitors.h"
#include "tap.h"

/* Who is there, one letter each: lower case visitors, upper case admitted,
 * digits doomed; the letter is the address ('0' is 'a', '1' is 'b'). */
static uint8_t
address(char c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	return (uint8_t)(c >= 'a' ? c - 'a' : c - 'A');
}

static void
fill(struct rm_visitors *all, const char *who)
{
	struct rm_visitor one = { .admit_fd = -1 };

	all->n = 0;
	for (; *who != '\0'; who++) {
		one.state = *who >= 'a' ? RM_VISITOR_HERE :
		    *who >= 'A' ? RM_VISITOR_ADMITTED : RM_VISITOR_DOOMED;
		one.net[0] = address(*who);
		if (rm_visitors_add(all, &one) == -1)
			abort();
	}
}

static void
test_choice(void)
{
	static const struct {
		const char *here;
		char from;
		size_t max, each;
		enum rm_visitors_verdict verdict;
		size_t victim;
		const char *what;
	} table[] = {
		{ "", 'a', 4, 2, RM_VISITORS_WELCOME, 0, "an empty house" },
		{ "a", 'a', 4, 2, RM_VISITORS_WELCOME, 0, "room for one" },
		{ "baa", 'a', 4, 2, RM_VISITORS_EVICT, 1,
		    "at its cap an address loses its own oldest" },
		{ "aab", 'b', 4, 2, RM_VISITORS_WELCOME, 0,
		    "and no other address does" },
		{ "cabb", 'd', 4, 2, RM_VISITORS_EVICT, 2,
		    "a full house loses the oldest of the busiest" },
		{ "cabb", 'b', 4, 2, RM_VISITORS_EVICT, 2,
		    "a full house, the newcomer at its cap" },
		{ "caab", 'c', 4, 2, RM_VISITORS_EVICT, 1,
		    "a full house, the newcomer below its cap" },
		{ "badc", 'e', 4, 2, RM_VISITORS_EVICT, 0,
		    "equally busy: who came first goes" },
		{ "AAAAb", 'a', 2, 2, RM_VISITORS_WELCOME, 0,
		    "the admitted do not count" },
		{ "AAAbb", 'c', 2, 2, RM_VISITORS_EVICT, 3,
		    "nor do they go" },
		{ "00000b", 'a', 2, 2, RM_VISITORS_WELCOME, 0,
		    "the doomed do not count" },
		{ "0a", 'a', 4, 1, RM_VISITORS_EVICT, 1,
		    "nor are they killed twice" },
		{ "a", 'b', 1, 8, RM_VISITORS_EVICT, 0, "a house of one" },
	};
	struct rm_visitors all = { 0 };
	size_t i, victim;
	enum rm_visitors_verdict got;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t net[RM_ADDR_NET] = { address(table[i].from) };

		fill(&all, table[i].here);
		all.max = table[i].max;
		all.max_each = table[i].each;
		all.evict = true;
		victim = 0;
		got = rm_visitors_choose(&all, net, &victim);
		ok(got == table[i].verdict && victim == table[i].victim,
		    table[i].what);
		all.evict = false;
		got = rm_visitors_choose(&all, net, &victim);
		ok((got == RM_VISITORS_REFUSE) ==
		    (table[i].verdict == RM_VISITORS_EVICT),
		    "without eviction the newcomer is refused instead");
	}
	fill(&all, "abA0c");
	ok(rm_visitors_count(&all) == 3, "only those who are here count");
	rm_visitors_remove(&all, 1);
	ok(all.n == 4 && all.v[0].net[0] == 0 &&
	    all.v[1].state == RM_VISITOR_ADMITTED &&
	    all.v[3].net[0] == 2, "removing keeps the order");
	rm_visitors_remove(&all, 3);
	ok(all.n == 3 && all.v[2].state == RM_VISITOR_DOOMED,
	    "removing the last");
	free(all.v);
}

static void
test_growth(void)
{
	struct rm_visitors all = { 0 };
	struct rm_visitor one = { .admit_fd = -1 };
	bool good = true;
	int i;

	for (i = 0; i < 1000; i++) {
		one.group = i;
		good = good && rm_visitors_add(&all, &one) == 0;
	}
	for (i = 0; i < 1000; i++)
		good = good && all.v[i].group == i;
	ok(good && all.n == 1000, "a thousand, in the order of arrival");
	free(all.v);
}

static void
spell(struct rm_addr *ret, const char *ip, const char *port)
{
	struct sockaddr_storage ss = { 0 };

	memset(ret, 0xff, sizeof(*ret));
	if (rm_addr_parse(&ss, ip, port) == 0)
		rm_addr_spell(ret, &ss);
}

static void
test_addresses(void)
{
	static const char *const bad[][2] = {
		{ "localhost", "1" }, { "", "1" }, { "1.2.3", "1" },
		{ "1.2.3.4.5", "1" }, { "01.2.3.4x", "1" }, { ":::", "1" },
		{ "[::1]", "1" }, { "fe80::1%lo", "1" },
		{ "1.2.3.4", "" }, { "1.2.3.4", "65536" }, { "1.2.3.4", "-1" },
		{ "1.2.3.4", "http" }, { "1.2.3.4", "80 " },
	};
	struct sockaddr_storage ss;
	struct rm_addr a, b;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(rm_addr_parse(&ss, bad[i][0], bad[i][1]) == -1,
		    "not an address and a port");
	spell(&a, "192.0.2.1", "0");
	spell(&b, "::ffff:192.0.2.1", "65535");
	ok(strcmp(a.ip, "192.0.2.1") == 0 && strcmp(a.port, "0") == 0,
	    "IPv4");
	ok(strcmp(b.ip, "192.0.2.1") == 0 && strcmp(b.port, "65535") == 0,
	    "IPv4-mapped is written as IPv4");
	ok(memcmp(a.net, b.net, RM_ADDR_NET) == 0, "and counts as IPv4");
	spell(&b, "192.0.2.2", "0");
	ok(memcmp(a.net, b.net, RM_ADDR_NET) != 0, "each IPv4 alone");
	spell(&a, "2001:db8:0:1::1", "7");
	spell(&b, "2001:db8:0:1:ffff:ffff:ffff:ffff", "7");
	ok(strcmp(a.ip, "2001:db8:0:1::1") == 0, "IPv6");
	ok(memcmp(a.net, b.net, RM_ADDR_NET) == 0, "one /64 is one");
	spell(&b, "2001:db8:0:2::1", "7");
	ok(memcmp(a.net, b.net, RM_ADDR_NET) != 0, "two are two");
	spell(&a, "::1", "7");
	spell(&b, "::ffff:0.0.0.0", "7");
	ok(memcmp(a.net, b.net, RM_ADDR_NET) != 0,
	    "a mapped address is not in the /64 of ::");
}

int
main(void)
{
	test_choice();
	test_growth();
	test_addresses();
	printf("1..%d\n", tests);
	return 0;
}
