/* SPDX-License-Identifier: ISC */
/* The environment of operations, which is built from a list. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_sandbox.h"
#include "rm_version.h"

void
environ_scrub(const char *folder)
{
	static const char *const settings[] = { "RM_STATE", "RM_RUN",
	    "RM_CONF", "PATH",
#ifdef __SANITIZE_ADDRESS__
	    "ASAN_OPTIONS",	/* under ptrace(2) it cannot look for leaks */
#endif
	    NULL };
	static const char *const *const kept[] = { settings, rm_env_facts };
	char path[PATH_MAX], **from, **to;
	size_t i, j, len;

	for (from = to = environ; *from != NULL; from++)
		for (i = 0; i < 2; i++)
			for (j = 0; kept[i][j] != NULL; j++) {
				len = strlen(kept[i][j]);
				if (strncmp(*from, kept[i][j], len) == 0 &&
				    (*from)[len] == '=')
					*to++ = *from;
			}
	*to = NULL;
	if (realpath(folder, path) == NULL)
		die(RM_EXIT_USAGE, "unable to find %s", folder);
	rm_env_set("RM_OPS", path);
	rm_env_set("LC_ALL", "C");
	/* As rm-exec -V has them: status need not run us for it. */
	rm_env_set("RM_VERSION", RM_VERSION);
	rm_env_set("RM_LANDLOCK", rm_sandbox_has_landlock() ? "yes" : "no");
	rm_env_set("RM_STATE", rm_env_state());
	rm_env_set("RM_RUN", rm_env_run());
	rm_env_state_path(path, sizeof(path), "conf");
	if (getenv("RM_CONF") == NULL)
		rm_env_set("RM_CONF", path);
	if (getenv("PATH") == NULL)
		rm_env_set("PATH", "/usr/local/bin:/usr/bin:/bin");
}
