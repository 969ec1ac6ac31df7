/* SPDX-License-Identifier: ISC */
#ifndef RM_ADDR_H
#define RM_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "rm_die.h"

#define RM_ADDR_NET	16	/* bytes of what stands for "one address" */

/* One end of a connection, in the toolkit's spelling. */
struct rm_addr {
	char ip[INET6_ADDRSTRLEN];	/* an IPv4-mapped one is IPv4 */
	char port[6];
	uint8_t net[RM_ADDR_NET];	/* an IPv6 address counts by its /64 */
};

/*
 * Reads a numeric IPv4 or IPv6 address and a port (0: any).  Returns 0, or
 * -1 (nothing set) if it is none.  Never asks a name server.
 */
RM_MUST_CHECK int rm_addr_parse(struct sockaddr_storage *ret, const char *ip,
    const char *port);

/* Spells an address that the kernel gave.  Pure. */
void rm_addr_spell(struct rm_addr *ret, const struct sockaddr_storage *ss);

/*
 * Returns a listening TCP socket, close-on-exec and non-blocking; "::" takes
 * IPv4 too.  -1 with errno.
 */
RM_MUST_CHECK int rm_addr_listen(const struct sockaddr_storage *ss);

/*
 * The same for a unix socket that is made at path with this mode.  A socket
 * that nobody listens on any more is removed first; EADDRINUSE if somebody
 * does, or if something else is at path.  *ret_stat tells the new socket from
 * any other that may one day have its name.
 */
RM_MUST_CHECK int rm_addr_listen_unix(const char *path, mode_t mode,
    struct stat *ret_stat);

#endif
