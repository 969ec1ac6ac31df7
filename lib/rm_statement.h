/* SPDX-License-Identifier: ISC */
#ifndef RM_STATEMENT_H
#define RM_STATEMENT_H

#include "rm_die.h"

#define RM_STATEMENT_MAX	512	/* bytes of a signed text with NUL */

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

#endif
