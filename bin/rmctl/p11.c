/* SPDX-License-Identifier: ISC */
/*
 * rmctl p11: the command of a p11-kit module ("remote: |rmctl ... p11"), one
 * process for each C_Initialize, and the end of each connection to an agent.
 *
 * MUST: end only when the application does, whatever becomes of the log-in:
 * its library writes to us without asking whether we are there.
 */
#include "rmctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay.h"
#include "rm_io.h"
#include "rm_sandbox.h"

/* The relay opens nothing; the log-in had to, and its secret is gone. */
static int
jail(void)
{
	const char *without = getenv("RM_NO_SANDBOX");

	if (without != NULL && strcmp(without, "1") == 0)
		return RM_CODE_OK;
	if (rm_sandbox_tls() == 0)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_USAGE, "no sandbox for what the service "
	    "says");
}

_Noreturn void
p11_carry(struct link *l, int in, int out, int rc)
{
	int jailed;

	if (rm_io_unblock(in) == -1 || rm_io_unblock(out) == -1)
		die(RM_EXIT_SYSTEM, "there is no application");
	if (rc != RM_CODE_OK)
		link_close(l);
	if ((jailed = jail()) != RM_CODE_OK && rc == RM_CODE_OK)
		rc = jailed;
	rc = relay_run(l, in, out, rmctl_opts.call_ms, rc);
	/* No handler of exit(3) is made for a jail. */
	_exit(rc);
}

int
rmctl_p11(int argc, char *argv[])
{
	static struct link l;
	const char *host = rmctl_opts.host, *user = rmctl_opts.user;
	int rc;

	(void)argv;
	l.fd = -1;
	if (rmctl_opts.socket == NULL && (isatty(STDIN_FILENO) ||
	    isatty(STDOUT_FILENO)))
		return rmctl_fail(RM_CODE_USAGE, "p11 speaks to a PKCS#11 "
		    "library, not to a person: see rmctl(1)");
	if (argc != 1)
		rc = rmctl_fail(RM_CODE_USAGE, "p11 takes no arguments");
	else if (host == NULL || user == NULL)
		rc = rmctl_fail(RM_CODE_USAGE, "p11 wants -H HOST and --user "
		    "NAME");
	else if (strcmp(user, "master") == 0)
		rc = rmctl_fail(RM_CODE_USAGE, "master has no partition");
	else if (rmctl_opts.socket != NULL)
		return agent_run();
	else
		rc = service_login(&l, host, user);
	if (rmctl_opts.socket != NULL)
		return rc;
	p11_carry(&l, STDIN_FILENO, STDOUT_FILENO, rc);
}
