/* SPDX-License-Identifier: ISC */
/* rm_dial: what several addresses of one name come to. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "rm_dial.h"
#include "rm_num.h"
#include "tap.h"

static struct addrinfo *answer;	/* the resolver's, which is ours */

int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret)
{
	(void)host;
	(void)port;
	(void)hints;
	*ret = answer;
	return 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

/* A socket of its own at a port that nobody else has. */
static int
bound(struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (struct sockaddr *)ret, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)ret, &len) == -1)
		return -1;
	return fd;
}

/* The code with which two addresses are dialled, one after the other. */
static int
dialled(struct addrinfo *first, struct addrinfo *second)
{
	struct rm_err err;
	int fd;

	answer = first;
	first->ai_next = second;
	second->ai_next = NULL;
	if (rm_dial_tcp(&fd, "both", "1", rm_num_now_ms() + 60000, &err) == 0)
		return 0;
	return (int)err.code;
}

int
main(void)
{
	struct sockaddr_in silent, there;
	int none = bound(&silent), fd = bound(&there);
	struct addrinfo refuses = { .ai_family = AF_INET,
	    .ai_socktype = SOCK_STREAM, .ai_addrlen = sizeof(silent),
	    .ai_addr = (struct sockaddr *)&silent };
	struct addrinfo listens = refuses, no_way = refuses, none_either;

	listens.ai_addr = (struct sockaddr *)&there;
	no_way.ai_family = AF_MAX;	/* no socket is to be had */
	none_either = no_way;
	ok(none != -1 && fd != -1 && listen(fd, 8) == 0, "two ports");
	ok(dialled(&refuses, &no_way) == RM_CODE_NOT_ARMED,
	    "refused, then no way");
	ok(dialled(&no_way, &refuses) == RM_CODE_NOT_ARMED,
	    "no way, then refused");
	ok(dialled(&no_way, &none_either) == RM_CODE_SYSTEM, "no way at all");
	ok(dialled(&no_way, &listens) == 0, "no way, then it listens");
	ok(dialled(&refuses, &listens) == 0, "refused, then it listens");
	printf("1..%d\n", tests);
	return 0;
}
