/* SPDX-License-Identifier: ISC */
#ifndef RM_STATEMENT_H
#define RM_STATEMENT_H

#include <stddef.h>

#include "rm_die.h"

#define RM_STATEMENT_MAX	512	/* bytes of a signed text with NUL */
#define RM_STATEMENT_CONSOLE	3072	/* of the one at the console */

/*
 * The texts that cards sign (rm-toolkit(7), SIGNED TEXTS).  Appliance and
 * station both write them here and compare nothing but signatures: nobody
 * ever parses one.  Each function returns 0, or -1 if a value has not exactly
 * its form, so that no value can bring a line of its own.
 */
struct rm_statement {
	const char *appliance;	/* KEYID of the appliance */
	const char *arming;	/* 32 digits */
	const char *rules;	/* 64 digits */
	const char *channel;	/* the exporter of RFC 9266, 64 digits */
	const char *manager;	/* name */
	const char *signer;	/* KEYID of the card's key */
};

RM_MUST_CHECK int rm_statement_session(char ret[static RM_STATEMENT_MAX],
    const struct rm_statement *st);

RM_MUST_CHECK int rm_statement_enrol(char ret[static RM_STATEMENT_MAX],
    const char *appliance, const char *custodian, const char *signer);

/* What a card in the console's own reader signs. */
struct rm_statement_console {
	const char *purpose;	/* a name: drill, unlock or operation */
	const char *appliance;	/* KEYID of the appliance */
	const char *nonce;	/* 32 digits, used once */
	/* Of an operation; NULL, and none, of all else: */
	const char *payload;	/* "none", "secret" or 64 digits */
	char *const *words;	/* its name, then its arguments */
	size_t n;
	const char *signer;	/* KEYID of the card's key */
};

/* A word's foreign bytes are spelled %XX: it cannot bring a line either. */
RM_MUST_CHECK int rm_statement_console(
    char ret[static RM_STATEMENT_CONSOLE],
    const struct rm_statement_console *st);

#endif
