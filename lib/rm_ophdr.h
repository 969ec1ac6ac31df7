/* SPDX-License-Identifier: ISC */
#ifndef RM_OPHDR_H
#define RM_OPHDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_text.h"

#define RM_OPHDR_MAX		4096	/* bytes of a file that are looked at */
#define RM_OPHDR_ARGS		8
#define RM_OPHDR_TEXT		256	/* summary, or args as written, + NUL */
#define RM_OPHDR_NOTES		1024	/* all notes, their LFs, + NUL */
#define RM_OPHDR_PATTERN	128
#define RM_OPHDR_LIMIT_S	86400
/* A form of use: name, args, payload, confirmation, and a NUL. */
#define RM_OPHDR_USAGE	(2 * RM_NAME_MAX + RM_OPHDR_TEXT + 32)

/*
 * The comment lines at the head of an operation (rm-toolkit(7), OPERATIONS):
 * the one description that the chain, the console and help go by.
 */
enum rm_op_class {
	RM_OP_READ,
	RM_OP_NORMAL,
	RM_OP_POWER,
	RM_OP_DESTRUCTIVE
};

enum rm_op_kind {
	RM_OP_ANY,		/* any text */
	RM_OP_WORDS,		/* pattern is WORD|WORD */
	RM_OP_REGEX		/* pattern is a POSIX extended expression */
};

struct rm_oparg {
	enum rm_op_kind kind;
	bool optional;
	char name[RM_NAME_MAX + 1];
	char pattern[RM_OPHDR_PATTERN];
};

struct rm_ophdr {
	enum rm_op_class class;
	uint32_t limit_s;
	size_t n_args;
	struct rm_oparg arg[RM_OPHDR_ARGS];
	char summary[RM_OPHDR_TEXT];
	char notes[RM_OPHDR_NOTES];	/* told before it is confirmed */
	char args[RM_OPHDR_TEXT];	/* as written, or empty */
	char payload[RM_NAME_MAX + 1];	/* what goes with it, or empty */
	bool payload_optional;
	bool payload_secret;		/* not even its hash may be told */
};

/*
 * Takes the head of an operation's file apart: "#!", then comment lines up to
 * the first other line.  Lines that are not ours are passed over.  Returns 0,
 * or -1 and sets *ret_why to a text of ours.  Pure.
 */
RM_MUST_CHECK int rm_ophdr_parse(struct rm_ophdr *ret, const uint8_t *buf,
    size_t len, const char **ret_why);

/*
 * Holds the words behind an operation's name against its header.  With
 * confirm (not NULL) an operation of class power or destructive wants
 * "confirm=" and that name as its last word.  Returns the number of words
 * that the operation is to get; -1 and sets *ret_why, naming the fault, if
 * they do not fit.
 */
RM_MUST_CHECK int rm_ophdr_check(const struct rm_ophdr *hdr, size_t n,
    char *const words[], const char *confirm, const char **ret_why);

/*
 * The same for the payload that came, NULL if none did: its name has to be
 * the header's, or RM_PAYLOAD_ANY, and it must not come unasked.
 */
RM_MUST_CHECK int rm_ophdr_check_payload(const struct rm_ophdr *hdr,
    const char *payload, const char **ret_why);

/*
 * Writes how it is used, "NAME ARGS <PAYLOAD", and with confirm what its class
 * wants last; RM_OPHDR_USAGE is always enough.
 */
void rm_ophdr_usage(char *ret, size_t size, const struct rm_ophdr *hdr,
    const char *name, bool confirm);

/*
 * Opens folder/name, which must be a name, a regular file that we may
 * execute, no link, and have a good header.  Returns a close-on-exec
 * descriptor, at the start of the file; -1 and sets *ret_why otherwise.
 */
RM_MUST_CHECK int rm_ophdr_open(int folder, const char *name,
    struct rm_ophdr *ret, const char **ret_why);

/* "read", "normal", "power" or "destructive". */
const char *rm_ophdr_class_word(enum rm_op_class class);

#endif
