/* SPDX-License-Identifier: ISC */
#ifndef RM_LISTEN_LISTEN_H
#define RM_LISTEN_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "rm_addr.h"
#include "rm_die.h"

/* What rm-listen was told, and the socket that it made of it. */
struct listener {
	bool local;			/* a unix socket at path */
	uint32_t admit_ms;		/* 0: everybody is used at once */
	uint32_t word_ms;		/* for last words, once asked to end */
	uint32_t max, each;		/* caps: in all, and per address */
	const char *path;
	char **prog;
	int fd;
	struct stat made;		/* what we made at path */
};

/* Who called, in the words of the environment and of the log. */
struct peer {
	struct rm_addr remote, here;
	struct ucred cred;		/* of a local one */
	char text[64];
};

/*
 * Learns who is at the other end of conn, which accept(2) said comes from
 * from, and sets the options of the socket.  Returns 0, or -1 with errno.
 */
RM_MUST_CHECK int peer_know(struct peer *ret, const struct listener *l,
    int conn, const struct sockaddr_storage *from);

/*
 * The child of a fork by parent becomes prog for this peer: 0 and 1 are conn,
 * admit (or -1) is the write end of the admission pipe.
 */
_Noreturn void peer_serve(const struct peer *peer, const struct listener *l,
    pid_t parent, int conn, int admit);

/* Takes over all signals; returns a descriptor that tells of them. */
RM_MUST_CHECK int serve_signals(void);

/*
 * Accepts until it is asked to end, and ends all that it started.  Returns
 * when nothing of it is left, or nothing that could be killed.
 */
void serve(struct listener *l, int signal_fd);

#endif
