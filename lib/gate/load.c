/* SPDX-License-Identifier: ISC */
/*
 * rm-gate.so: the PKCS#11 module between a client (p11-kit remote, at the end
 * of a chain) and the engine, any other PKCS#11 module.  It adds what engines
 * lack: an operating mode that holds in every call, a limit on wrong PINs, a
 * quiet moment for snapshots, and changes that are on disk before they are
 * confirmed.  The client is a stranger with a password: nothing that it hands
 * in is trusted.  The settings are the chain's.  Without them all there is no
 * module (rm-gate(8)).
 */
#include "gate.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "rm_io.h"

struct gate gate = { .tokens = -1 };

static CK_FUNCTION_LIST functions;
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

/* The value of a setting that must be an absolute path; NULL, and logged. */
static const char *
setting(const char *name)
{
	const char *value = secure_getenv(name);

	if (value == NULL || *value == '\0')
		rm_fatalx("%s is not set", name);
	else if (*value != '/')
		rm_fatalx("%s is not an absolute path: %s", name, value);
	else
		return value;
	return NULL;
}

static int
load_mode(void)
{
	static char text[RM_MODE_MAX];
	const char *path;
	struct rm_err err;
	ssize_t len;

	if ((path = setting("RM_GATE_MODE")) == NULL)
		return -1;
	/* Who may write here decides what the engine may be asked for. */
	if ((len = rm_io_load_owned(path, 022, text, sizeof(text))) == -1) {
		rm_fatalx("unable to read mode file %s: %s", path,
		    strerror(errno));
		return -1;
	}
	if (rm_mode_parse(&gate.mode, text, (size_t)len, &err) == -1) {
		rm_fatalx("mode file %s: %s", path, err.text);
		return -1;
	}
	return 0;
}

static int
load_state(void)
{
	const char *path, *tokens = "RM_GATE_STATE";

	if ((path = setting("RM_GATE_STATE")) == NULL)
		return -1;
	if (strlen(path) >= sizeof(gate.state)) {
		rm_fatalx("RM_GATE_STATE is too long");
		return -1;
	}
	(void)strcpy(gate.state, path);
	if (secure_getenv("RM_GATE_TOKENS") != NULL)
		tokens = "RM_GATE_TOKENS";
	if ((path = setting(tokens)) == NULL)
		return -1;
	gate.tokens = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (gate.tokens == -1) {
		rm_fatalx("unable to open %s: %s", path, strerror(errno));
		return -1;
	}
	if (gate_undo_check(path) == -1)
		return -1;
	return gate_write_check() == CKR_OK ? 0 : -1;
}

static int
load_engine(void)
{
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST_PTR list = NULL;
	const char *path;
	void *module, *symbol;

	if ((path = setting("RM_GATE_ENGINE")) == NULL)
		return -1;
	if ((module = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL) {
		rm_fatalx("unable to load engine: %s", dlerror());
		return -1;
	}
	if ((symbol = dlsym(module, "C_GetFunctionList")) == NULL) {
		rm_fatalx("not a PKCS#11 module: %s", path);
		return -1;
	}
	/* ISO C has no cast from data to function; POSIX says they fit. */
	memcpy(&get, &symbol, sizeof(get));
	if (get == C_GetFunctionList) {
		rm_fatalx("RM_GATE_ENGINE is the gate itself");
		return -1;
	}
	if (get(&list) != CKR_OK || list == NULL || list->version.major != 2) {
		rm_fatalx("no PKCS#11 2.x functions in %s", path);
		return -1;
	}
	gate.engine = list;
	if (!gate_graft((uintptr_t)symbol))
		rm_warnx("changes of %s cannot be taken back", path);
	return 0;
}

static void
install(void)
{
	functions = *gate.engine;
	functions.version.major = 2;
	functions.version.minor = 40;
	functions.C_GetFunctionList = C_GetFunctionList;
	gate_write_install(&functions);
	gate_token_install(&functions);
	gate_pin_install(&functions);
	gate_use_install(&functions);
	gate_make_install(&functions);
	gate_watch_install(&functions);
	gate_count_install(&functions);
}

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	static bool loaded;
	bool good;

	if (list == NULL)
		return CKR_ARGUMENTS_BAD;
	(void)pthread_mutex_lock(&loading);
	if (!loaded) {
		rm_die_name("rm-gate");
		/* The engine comes last: it may start threads of its own. */
		if (load_mode() == 0 && load_state() == 0 &&
		    load_engine() == 0) {
			install();
			loaded = true;
		}
	}
	good = loaded;
	(void)pthread_mutex_unlock(&loading);
	if (!good)
		return CKR_GENERAL_ERROR;
	*list = &functions;
	return CKR_OK;
}
