/* SPDX-License-Identifier: ISC */
/* Tables beside the headers of operations. */
#include "options.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm_env.h"
#include "rm_io.h"
#include "rm_secret.h"

/* --- what there is to choose from ----------------------------------------- */

/* The names of the entries of a folder below $RM_STATE. */
static const struct {
	const char *operation, *arg, *folder, *without;
} choices[] = {
	{ "custodian-remove", "custodian", "custodians", "" },
	{ "custodian-remove", "name", "custodians", "" },
	{ "partition-delete", "user", "current/users", "master" },
	{ "partition-change-pin", "user", "current/users", "master" },
	{ "partition-unlock", "user", "current/users", "master" },
	{ "user-password", "user", "current/users", "" },
	{ "unlock-user", "user", "current/users", "" },
};

#define N_CHOICES	(sizeof(choices) / sizeof(choices[0]))

static bool
list_folder(char ret[static OPTIONS_MAX], const char *folder,
    const char *without)
{
	struct dirent **entry;
	char path[PATH_MAX];
	size_t len = 0;
	int i, n;

	rm_env_state_path(path, sizeof(path), folder);
	n = scandir(path, &entry, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (*entry[i]->d_name != '.' &&
		    strcmp(entry[i]->d_name, without) != 0 &&
		    len + strlen(entry[i]->d_name) + 2 < OPTIONS_MAX)
			len += (size_t)snprintf(ret + len, OPTIONS_MAX - len,
			    "%s%s", len > 0 ? "|" : "", entry[i]->d_name);
		free(entry[i]);
	}
	if (n != -1)
		free(entry);
	return len > 0;
}

/* The names of nodes stand in their files, which are named by their keys. */
static bool
list_nodes(char ret[static OPTIONS_MAX])
{
	struct dirent **entry;
	char folder[PATH_MAX], path[2 * PATH_MAX], text[512];
	size_t len = 0, cut;
	int i, n;

	rm_env_state_path(folder, sizeof(folder), "current/nodes");
	n = scandir(folder, &entry, NULL, alphasort);
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    entry[i]->d_name);
		if (rm_io_load(path, text, sizeof(text)) > 0 &&
		    (cut = strcspn(text, " \n")) > 0 &&
		    len + cut + 2 < OPTIONS_MAX)
			len += (size_t)snprintf(ret + len, OPTIONS_MAX - len,
			    "%s%.*s", len > 0 ? "|" : "", (int)cut, text);
		free(entry[i]);
	}
	if (n != -1)
		free(entry);
	return len > 0;
}

bool
options_find(char ret[static OPTIONS_MAX], const char *operation,
    const char *arg)
{
	size_t i;

	if (strcmp(arg, "node") == 0)
		return list_nodes(ret);
	for (i = 0; i < N_CHOICES; i++)
		if (strcmp(choices[i].operation, operation) == 0 &&
		    strcmp(choices[i].arg, arg) == 0)
			return list_folder(ret, choices[i].folder,
			    choices[i].without);
	return false;
}

/* --- what stands there now ------------------------------------------------ */

/* Word number i of a setting. */
static const struct {
	const char *operation, *arg, *key, *preset;
	unsigned int word;
} settings[] = {
	{ "set-listen", "address", "listen", "0.0.0.0 4433", 0 },
	{ "set-listen", "port", "listen", "0.0.0.0 4433", 1 },
	{ "set-limits", "idle", "idle", "120", 0 },
	{ "set-limits", "visitor", "visitor", "15", 0 },
	{ "set-reader", "reader", "reader", "", 0 }
};

bool
options_preset(char *ret, size_t size, const char *operation,
    const char *arg)
{
	char value[256], *word, *rest = value;
	unsigned int n;
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(settings[i].operation, operation) != 0 ||
		    strcmp(settings[i].arg, arg) != 0)
			continue;
		rm_env_conf(value, sizeof(value), settings[i].key,
		    settings[i].preset);
		n = settings[i].word;
		while ((word = strsep(&rest, " ")) != NULL && n > 0)
			n--;
		if (word == NULL)
			return false;
		(void)snprintf(ret, size, "%s", word);
		return true;
	}
	return false;
}

/* --- secrets -------------------------------------------------------------- */

/* The lines of a payload; one that is repeated is not sent twice. */
static const struct {
	const char *operation, *label[4];
} secrets[] = {
	{ "partition-create", { "password of the user", "the same again",
	    "PIN of the partition", "the same again" } },
	{ "partition-change-pin", { "present PIN", "new PIN",
	    "the same again", NULL } },
	{ "user-password", { "new password", "the same again", NULL } }
};

#define N_SECRETS	(sizeof(secrets) / sizeof(secrets[0]))

static const char again[] = "the same again";

static const char *const *
labels_of(const char *operation)
{
	size_t i;

	for (i = 0; i < N_SECRETS; i++)
		if (strcmp(secrets[i].operation, operation) == 0)
			return secrets[i].label;
	return NULL;
}

size_t
secrets_ask(const char *operation, struct field *ret, size_t max)
{
	const char *const *label = labels_of(operation);
	size_t n = 0;

	for (; label != NULL && n < 4 && label[n] != NULL && n < max; n++) {
		(void)snprintf(ret[n].label, sizeof(ret[n].label), "%s",
		    label[n]);
		ret[n].kind = FIELD_SECRET;
	}
	return n;
}

const char *
secrets_take(const char *operation, size_t first, size_t n, char **ret,
    size_t *ret_len)
{
	const char *const *label = labels_of(operation);
	char *all;
	size_t i, len = 0;

	if (n == 0)
		return NULL;
	for (i = 0; i < n; i++) {
		if (*form_value(first + i) == '\0')
			return "nothing may be left empty";
		if (strcmp(label[i], again) == 0 && strcmp(form_value(first +
		    i), form_value(first + i - 1)) != 0)
			return "what was to be the same is not";
	}
	if ((all = rm_secret_alloc(n * FORM_VALUE)) == NULL)
		return "there is no memory to be locked";
	for (i = 0; i < n; i++)
		if (strcmp(label[i], again) != 0)
			len += (size_t)snprintf(all + len,
			    n * FORM_VALUE - len, "%s\n",
			    form_value(first + i));
	rm_secret_free(*ret);	/* of a form that was sent back */
	*ret = all;
	*ret_len = len;
	return NULL;
}
