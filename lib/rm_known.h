/* SPDX-License-Identifier: ISC */
#ifndef RM_KNOWN_H
#define RM_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_err.h"
#include "rm_hash.h"
#include "rm_text.h"

/*
 * Pinned keys.  A station's are in one file, an appliance a line:
 *
 *	NAME HOST:PORT KEYID
 *
 * an IPv6 address in brackets; blank lines and lines that begin with '#' are
 * ignored.  An appliance's (of its nodes) are files of a folder, named
 * KEYID.pem, or NAME/KEYID.pem.
 */

#define RM_KNOWN_HOST_MAX	254	/* bytes with the NUL (RFC 1035) */
#define RM_KNOWN_FILE_MAX	65536	/* bytes of a file */
#define RM_KNOWN_PINS_MAX	64	/* keys of a folder */
#define RM_KNOWN_PORT		"4433"	/* where none is told */

struct rm_known {
	char name[RM_NAME_MAX + 1];
	char host[RM_KNOWN_HOST_MAX];	/* without brackets */
	char port[6];
	char keyid[RM_HASH_HEX];
};

/*
 * Takes HOST, HOST:PORT, [ADDR] or [ADDR]:PORT apart (len bytes) into
 * ret->host and ret->port.  0, or -1.  Pure.
 */
RM_MUST_CHECK int rm_known_address(const char *text, size_t len,
    struct rm_known *ret);

/*
 * Looks an appliance up in the text of a file: by its name, or, if name is
 * NULL, by host (letters of either case) and port.  Returns 1 and sets *ret; 0
 * if it is not there; -1 and the number of the line in *ret_line if a line,
 * any line, is no such line, or if two lines that fit disagree on the key.
 * Pure.
 */
RM_MUST_CHECK int rm_known_find(const char *text, size_t len,
    const char *name, const char *host, const char *port,
    struct rm_known *ret, size_t *ret_line);

/*
 * Writes the line of an appliance, with LF and NUL, to ret.  Returns 0, or -1
 * if it does not fit in size or would not be read back as it is.
 */
RM_MUST_CHECK int rm_known_write(const struct rm_known *known, char *ret,
    size_t size);

/*
 * rm_known_find in the file at path, which must be regular, ours or root's,
 * and not to be written by others; no file is the same as an empty one.
 * Returns 1, 0, or -1 with err (USAGE).
 */
RM_MUST_CHECK int rm_known_load(const char *path, const char *name,
    const char *host, const char *port, struct rm_known *ret,
    struct rm_err *err);

/*
 * Collects the KEYIDs that a folder pins.  0 and *ret_n, or -1 with err
 * (USAGE) if it cannot be read or pins more than RM_KNOWN_PINS_MAX.
 */
RM_MUST_CHECK int rm_known_folder(const char *path,
    char (*ret_pins)[RM_HASH_HEX], size_t *ret_n, struct rm_err *err);

#endif
