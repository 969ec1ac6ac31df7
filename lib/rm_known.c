/* SPDX-License-Identifier: ISC */
/*
 * Pinned keys: a station's file, an appliance's folder.  Both are written by
 * their owner, and decide whom we talk to: what is not understood is refused
 * whole, never skipped.
 */
#include "rm_known.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_num.h"

#define KEYID_LEN	(RM_HASH_HEX - 1)

/* Letters of names and addresses of hosts: nothing a shell or log minds. */
static bool
is_host(const char *s, bool bracketed)
{
	const char *more = bracketed ? ":.%-_" : ".-_";

	if (*s == '\0' || *s == '-')
		return false;
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr(more, *s) != NULL))
			return false;
	return true;
}

static bool
is_port(const char *s)
{
	uint32_t n;

	return *s != '0' && strlen(s) < 6 && rm_num_u32(&n, s, 1, 65535) == 0;
}

/* Copies len bytes of text that holds no NUL.  0, or -1 if it is too long. */
static int
copy(char *ret, size_t size, const char *text, size_t len)
{
	if (len >= size || memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return 0;
}

int
rm_known_address(const char *text, size_t len, struct rm_known *ret)
{
	char host[RM_KNOWN_HOST_MAX], port[6] = RM_KNOWN_PORT;
	const char *end = text + len, *stop;
	bool bracketed = len > 0 && *text == '[';

	if (bracketed)
		text++;
	stop = memchr(text, bracketed ? ']' : ':', (size_t)(end - text));
	if (stop == NULL && bracketed)
		return -1;
	if (stop == NULL)
		stop = end;
	if (copy(host, sizeof(host), text, (size_t)(stop - text)) == -1 ||
	    !is_host(host, bracketed))
		return -1;
	if (bracketed)
		stop++;
	if (stop < end && (*stop != ':' || copy(port, sizeof(port), stop + 1,
	    (size_t)(end - stop - 1)) == -1 || !is_port(port)))
		return -1;
	strcpy(ret->host, host);
	strcpy(ret->port, port);
	return 0;
}

/* One line without its LF: three words, each parted by one space. */
static int
parse_line(const char *line, size_t len, struct rm_known *ret)
{
	const char *end = line + len, *a, *b;

	if ((a = memchr(line, ' ', len)) == NULL ||
	    (b = memchr(a + 1, ' ', (size_t)(end - a - 1))) == NULL)
		return -1;
	if (copy(ret->name, sizeof(ret->name), line, (size_t)(a - line)) ==
	    -1 || !rm_text_is_name(ret->name) ||
	    rm_known_address(a + 1, (size_t)(b - a - 1), ret) == -1 ||
	    copy(ret->keyid, sizeof(ret->keyid), b + 1,
	    (size_t)(end - b - 1)) == -1 ||
	    !rm_text_is_hex(ret->keyid, KEYID_LEN))
		return -1;
	return 0;
}

static bool
fits(const struct rm_known *known, const char *name, const char *host,
    const char *port)
{
	if (name != NULL)
		return strcmp(known->name, name) == 0;
	return strcasecmp(known->host, host) == 0 &&
	    strcmp(known->port, port) == 0;
}

int
rm_known_find(const char *text, size_t len, const char *name,
    const char *host, const char *port, struct rm_known *ret,
    size_t *ret_line)
{
	struct rm_known known, found;
	const char *end = text + len, *stop;
	size_t line = 0;
	int n = 0;

	for (; text < end; text = stop < end ? stop + 1 : end) {
		line++;
		stop = memchr(text, '\n', (size_t)(end - text));
		if (stop == NULL)
			stop = end;
		if (stop == text || *text == '#')
			continue;
		if (parse_line(text, (size_t)(stop - text), &known) == -1)
			goto bad;
		if (!fits(&known, name, host, port))
			continue;
		if (n == 1 && strcmp(known.keyid, found.keyid) != 0)
			goto bad;
		if (n == 0)
			found = known;
		n = 1;
	}
	if (n == 1)
		*ret = found;
	return n;
bad:
	*ret_line = line;
	return -1;
}

int
rm_known_write(const struct rm_known *known, char *ret, size_t size)
{
	struct rm_known back;
	bool v6 = strchr(known->host, ':') != NULL;
	int n;

	n = snprintf(ret, size, "%s %s%s%s:%s %s\n", known->name,
	    v6 ? "[" : "", known->host, v6 ? "]" : "", known->port,
	    known->keyid);
	if ((size_t)n >= size || parse_line(ret, (size_t)n - 1, &back) == -1)
		return -1;
	return fits(&back, NULL, known->host, known->port) ? 0 : -1;
}

int
rm_known_load(const char *path, const char *name, const char *host,
    const char *port, struct rm_known *ret, struct rm_err *err)
{
	static char text[RM_KNOWN_FILE_MAX];
	size_t line;
	ssize_t len;
	int n;

	len = rm_io_load_owned(path, 022, text, sizeof(text));
	if (len == -1 && errno == ENOENT)
		return 0;
	if (len == -1)
		return rm_err_set(err, RM_CODE_USAGE,
		    "unable to use %s: %s", path, errno == EPERM ?
		    "it must be a regular file of ours or root's that others "
		    "cannot write" : strerror(errno));
	n = rm_known_find(text, (size_t)len, name, host, port, ret, &line);
	if (n == -1)
		return rm_err_set(err, RM_CODE_USAGE, "%s: line %zu is not "
		    "\"NAME HOST:PORT KEYID\", or contradicts another", path,
		    line);
	return n;
}

/* KEYID.pem, and nothing else, is a pin. */
static bool
is_pin(const char *name)
{
	char keyid[RM_HASH_HEX];

	return copy(keyid, sizeof(keyid), name, strnlen(name, KEYID_LEN)) ==
	    0 && rm_text_is_hex(keyid, KEYID_LEN) &&
	    strcmp(name + KEYID_LEN, ".pem") == 0;
}

/* Takes fd, a folder, and collects its pins.  0, or -1 with errno. */
static int
collect(int fd, char (*pins)[RM_HASH_HEX], size_t *n)
{
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		if (!is_pin(entry->d_name) || fstatat(fd, entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
			continue;
		if (*n == RM_KNOWN_PINS_MAX) {
			(void)closedir(dir);
			errno = E2BIG;
			return -1;
		}
		memcpy(pins[*n], entry->d_name, KEYID_LEN);
		pins[(*n)++][KEYID_LEN] = '\0';
	}
	(void)closedir(dir);
	return 0;
}

int
rm_known_folder(const char *path, char (*ret_pins)[RM_HASH_HEX],
    size_t *ret_n, struct rm_err *err)
{
	const int how = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;
	int fd, rc;

	rc = collect(open(path, how), ret_pins, &n);
	dir = rc == 0 ? opendir(path) : NULL;
	while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL) {
		if (*entry->d_name == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, how | O_NOFOLLOW);
		if (fd == -1 && (errno == ENOTDIR || errno == ELOOP))
			continue;
		rc = collect(fd, ret_pins, &n);
	}
	if (rc == -1 || dir == NULL)
		rc = rm_err_set(err, RM_CODE_USAGE, "unable to read %s: %s",
		    path, strerror(errno));
	if (dir != NULL)
		(void)closedir(dir);
	if (rc == 0)
		*ret_n = n;
	return rc;
}
