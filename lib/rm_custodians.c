/* SPDX-License-Identifier: ISC */
/*
 * The folder of enrolled keys.  A key's file is named after its KEYID, so
 * that a connection has to read no key but those that sign on it.
 */
#include "rm_custodians.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX	".pem"

static int
fault(struct rm_err *err, const char *folder)
{
	return rm_err_set(err, RM_CODE_SYSTEM, "unable to read %s: %s", folder,
	    strerror(errno));
}

/* Writes the KEYID to ret if that is the name of a key's file. */
static bool
is_key_file(char ret[static RM_HASH_HEX], const char *file)
{
	size_t len = strlen(file);

	if (len != RM_HASH_HEX - 1 + strlen(SUFFIX) ||
	    strcmp(file + RM_HASH_HEX - 1, SUFFIX) != 0)
		return false;
	memcpy(ret, file, RM_HASH_HEX - 1);
	ret[RM_HASH_HEX - 1] = '\0';
	return rm_text_is_hex(ret, RM_HASH_HEX - 1);
}

/* Takes over fd, the open folder of one person. */
static int
load_person(struct rm_custodians *ret, int fd, const char *name,
    struct rm_err *err)
{
	DIR *dir = fdopendir(fd);
	struct rm_custodian *key;
	struct dirent *entry;
	char keyid[RM_HASH_HEX];
	size_t before = ret->n;
	int rc = -1;

	if (dir == NULL) {
		(void)close(fd);
		return fault(err, name);
	}
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (!is_key_file(keyid, entry->d_name))
			continue;
		if (ret->n == RM_CUSTODIANS_KEYS) {
			(void)rm_err_set(err, RM_CODE_POLICY, "more than %d "
			    "keys are enrolled", RM_CUSTODIANS_KEYS);
			goto out;
		}
		key = &ret->key[ret->n++];
		strcpy(key->name, name);
		strcpy(key->keyid, keyid);
	}
	if (errno != 0) {
		(void)fault(err, name);
		goto out;
	}
	if (ret->n > before)
		ret->people++;
	rc = 0;
out:
	(void)closedir(dir);
	return rc;
}

static int
load_people(struct rm_custodians *ret, DIR *dir, const char *folder,
    struct rm_err *err)
{
	struct dirent *entry;
	int fd;

	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (!rm_text_is_name(entry->d_name))
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY |
		    O_NOFOLLOW | O_CLOEXEC);
		if (fd == -1 && (errno == ENOTDIR || errno == ELOOP))
			continue;
		if (fd == -1)
			return fault(err, entry->d_name);
		if (load_person(ret, fd, entry->d_name, err) == -1)
			return -1;
	}
	if (errno != 0)
		return fault(err, folder);
	if (ret->people > RM_CUSTODIANS_MAX)
		return rm_err_set(err, RM_CODE_POLICY, "more than %d "
		    "custodians are enrolled", RM_CUSTODIANS_MAX);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	const struct rm_custodian *x = a, *y = b;
	int rc = strcmp(x->name, y->name);

	return rc != 0 ? rc : strcmp(x->keyid, y->keyid);
}

/* One key under two names would let one card be two people. */
static int
check_keys(const struct rm_custodians *list, struct rm_err *err)
{
	const struct rm_custodian *a, *b, *end = list->key + list->n;

	for (a = list->key; a < end; a++)
		for (b = a + 1; b < end; b++)
			if (strcmp(a->keyid, b->keyid) == 0)
				return rm_err_set(err, RM_CODE_POLICY,
				    "key %s is enrolled for %s and for %s",
				    a->keyid, a->name, b->name);
	return 0;
}

int
rm_custodians_load(struct rm_custodians *ret, const char *folder,
    struct rm_err *err)
{
	DIR *dir = opendir(folder);
	int rc;

	ret->people = ret->n = 0;
	if (dir == NULL)
		return errno == ENOENT ? 0 : fault(err, folder);
	rc = load_people(ret, dir, folder, err);
	(void)closedir(dir);
	if (rc == -1)
		return -1;
	qsort(ret->key, ret->n, sizeof(ret->key[0]), by_name);
	return check_keys(ret, err);
}

const char *
rm_custodians_owner(const struct rm_custodians *list, const char *keyid)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->key[i].keyid, keyid) == 0)
			return list->key[i].name;
	return NULL;
}

bool
rm_custodians_has(const struct rm_custodians *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->key[i].name, name) == 0)
			return true;
	return false;
}

void
rm_custodians_rules(char ret_hex[static RM_HASH_HEX],
    const struct rm_custodians *list, const char *policy, size_t len)
{
	/* A line is as long as the two texts with their NULs. */
	char all[RM_POLICY_MAX + sizeof(list->key) + 1];
	size_t i;

	memcpy(all, policy, len);
	for (i = 0; i < list->n; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len,
		    "%s %s\n", list->key[i].name, list->key[i].keyid);
	rm_hash_sha256(ret_hex, all, len);
}
