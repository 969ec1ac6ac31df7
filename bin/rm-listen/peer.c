/* SPDX-License-Identifier: ISC */
/*
 * One connection on its way to being a program: who it is, which facts the
 * program is told, and which descriptors and signals it gets.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listen.h"
#include "rm_chain.h"
#include "rm_env.h"

#define ADMIT_FD	3	/* where prog finds the admission pipe */

static int
know_local(struct peer *ret, int conn)
{
	socklen_t len = sizeof(ret->cred);

	if (getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &ret->cred, &len) == -1)
		return -1;
	/* A user is to a unix socket what an address is to TCP. */
	memcpy(ret->remote.net, &ret->cred.uid, sizeof(ret->cred.uid));
	(void)snprintf(ret->text, sizeof(ret->text), "of user %u, process %d",
	    ret->cred.uid, ret->cred.pid);
	return 0;
}

int
peer_know(struct peer *ret, const struct listener *l, int conn,
    const struct sockaddr_storage *from)
{
	struct sockaddr_storage here;
	socklen_t len = sizeof(here);
	int on = 1;

	memset(ret, 0, sizeof(*ret));
	if (l->local)
		return know_local(ret, conn);
	if (getsockname(conn, (struct sockaddr *)&here, &len) == -1 ||
	    setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
	    setsockopt(conn, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == -1)
		return -1;
	rm_addr_spell(&ret->here, &here);
	rm_addr_spell(&ret->remote, from);
	(void)snprintf(ret->text, sizeof(ret->text),
	    strchr(ret->remote.ip, ':') != NULL ? "[%s]:%s" : "%s:%s",
	    ret->remote.ip, ret->remote.port);
	return 0;
}

static void
set_number(const char *fact, long n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%ld", n);
	rm_env_set(fact, text);
}

static void
set_facts(const struct peer *peer, const struct listener *l, bool admit)
{
	rm_env_unset_facts();
	if (admit)
		set_number("RM_ADMIT_FD", ADMIT_FD);
	if (!l->local) {
		rm_env_set("PROTO", "TCP");
		rm_env_set("TCPREMOTEIP", peer->remote.ip);
		rm_env_set("TCPREMOTEPORT", peer->remote.port);
		rm_env_set("TCPLOCALIP", peer->here.ip);
		rm_env_set("TCPLOCALPORT", peer->here.port);
		return;
	}
	rm_env_set("PROTO", "UNIX");
	rm_env_set("UNIXLOCALPATH", l->path);
	set_number("UNIXREMOTEEUID", peer->cred.uid);
	set_number("UNIXREMOTEEGID", peer->cred.gid);
	set_number("UNIXREMOTEPID", peer->cred.pid);
}

void
peer_serve(const struct peer *peer, const struct listener *l, pid_t parent,
    int conn, int admit)
{
	sigset_t set;

	(void)setpgid(0, 0);
	rm_chain_die_with(parent);
	if (dup2(conn, 0) == -1 || dup2(conn, 1) == -1 || (admit != -1 &&
	    (dup2(admit, ADMIT_FD) == -1 ||
	    fcntl(ADMIT_FD, F_SETFD, 0) == -1)))
		die(RM_EXIT_SYSTEM, "unable to redirect the program");
	closefrom(admit != -1 ? ADMIT_FD + 1 : ADMIT_FD);
	set_facts(peer, l, admit != -1);
	/* The lease's end waits for a link at rest: between two it is kept. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	rm_chain_exec(l->prog);
}
