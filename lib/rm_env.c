/* SPDX-License-Identifier: ISC */
/* Settings and facts: the interface between the links. */
#include "rm_env.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_die.h"
#include "rm_io.h"
#include "rm_tls.h"

const char *const rm_env_facts[] = {
	"PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT",
	"UNIXLOCALPATH", "UNIXREMOTEEUID", "UNIXREMOTEEGID", "UNIXREMOTEPID",
	"RM_TLS_VERSION", "RM_TLS_GROUP", "RM_TLS_SIGNATURE", "RM_TLS_CIPHER",
	"RM_TLS_EXPORTER", "RM_TLS_PEER", "RM_AUTH_OPERATION",
	"RM_AUTH_MANAGER", "RM_AUTH_CUSTODIANS", "RM_AUTH_SINCE",
	"RM_LOGIN_USER", "RM_LOGIN_PARTITION", NULL
};

static const char *
setting(const char *name, const char *preset)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : preset;
}

const char *
rm_env_state(void)
{
	return setting("RM_STATE", "/var/lib/rm");
}

const char *
rm_env_run(void)
{
	return setting("RM_RUN", "/run/rm");
}

static void
join(char *ret, size_t size, const char *folder, const char *name)
{
	int n = snprintf(ret, size, "%s/%s", folder, name);

	if (n < 0 || (size_t)n >= size)
		diex(RM_EXIT_USAGE, "path too long: %s/%s", folder, name);
}

void
rm_env_state_path(char *ret, size_t size, const char *name)
{
	join(ret, size, rm_env_state(), name);
}

void
rm_env_run_path(char *ret, size_t size, const char *name)
{
	join(ret, size, rm_env_run(), name);
}

void
rm_env_generation(char *ret, size_t size)
{
	char path[PATH_MAX], to[64];
	ssize_t n;

	rm_env_state_path(path, sizeof(path), "current");
	n = readlink(path, to, sizeof(to) - 1);
	to[n > 0 ? n : 0] = '\0';
	(void)snprintf(ret, size, "%s", strncmp(to, "gen-", 4) == 0 ?
	    to + 4 : "-");
}

void
rm_env_known_path(char *ret, size_t size)
{
	const char *config = setting("XDG_CONFIG_HOME", NULL);
	const char *home = setting("HOME", NULL);

	if (config != NULL)
		join(ret, size, config, "rm/appliances");
	else if (home != NULL)
		join(ret, size, home, ".config/rm/appliances");
	else
		diex(RM_EXIT_USAGE, "HOME is missing");
}

void
rm_env_conf(char *ret, size_t size, const char *key, const char *preset)
{
	char path[PATH_MAX], text[8192], *line, *next;
	const char *value = preset;
	size_t len = strlen(key);

	rm_env_state_path(path, sizeof(path), "conf");
	if (rm_io_load(setting("RM_CONF", path), text, sizeof(text)) == -1) {
		if (errno != ENOENT)
			die(RM_EXIT_USAGE, "unable to read %s",
			    setting("RM_CONF", path));
		text[0] = '\0';
	}
	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			value = line + len + 1;
	}
	if (strlen(value) >= size)
		diex(RM_EXIT_USAGE, "value of %s in %s is too long", key,
		    setting("RM_CONF", path));
	strcpy(ret, value);
}

const char *
rm_env_need(const char *fact)
{
	const char *value = getenv(fact);

	if (value == NULL || *value == '\0')
		diex(RM_EXIT_USAGE, "%s is missing: run me behind the link "
		    "that sets it", fact);
	return value;
}

void
rm_env_set(const char *fact, const char *value)
{
	if (setenv(fact, value, 1) == -1)
		die(RM_EXIT_SYSTEM, "unable to set %s", fact);
}

void
rm_env_set_tls(const struct rm_tls_facts *facts)
{
	rm_env_set("RM_TLS_VERSION", facts->version);
	rm_env_set("RM_TLS_GROUP", facts->group);
	rm_env_set("RM_TLS_SIGNATURE", facts->signature);
	rm_env_set("RM_TLS_CIPHER", facts->cipher);
	rm_env_set("RM_TLS_EXPORTER", facts->exporter);
	if (facts->peer[0] != '\0')
		rm_env_set("RM_TLS_PEER", facts->peer);
	else
		(void)unsetenv("RM_TLS_PEER");
}

void
rm_env_unset_facts(void)
{
	size_t i;

	for (i = 0; rm_env_facts[i] != NULL; i++)
		(void)unsetenv(rm_env_facts[i]);
	(void)unsetenv("RM_ADMIT_FD");
	(void)unsetenv("RM_LOCK_FD");
}
