/* SPDX-License-Identifier: ISC */
#ifndef RM_ENROLMENT_H
#define RM_ENROLMENT_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_vote.h"

#define RM_ENROLMENT_MAX	4096	/* bytes of the file */

/*
 * An enrolment as the station writes it: the line
 * enrol NAME KEYID ALG BASE64SIGNATURE, then the public key as PEM.
 */
struct rm_enrolment {
	char name[RM_NAME_MAX + 1];
	char keyid[RM_VOTE_KEYID_LEN + 1];
	char alg[RM_VOTE_ALG_MAX + 1];
	uint8_t sig[RM_VOTE_SIG_MAX];
	size_t sig_len;
	const char *pem;	/* in the text that was parsed */
	size_t pem_len;
};

/*
 * Takes the text of an enrolment apart; nothing is verified, and the PEM is
 * not looked at.  Returns 0, or -1 with *ret_why set to a text of ours.  Pure.
 */
RM_MUST_CHECK int rm_enrolment_parse(struct rm_enrolment *ret,
    const char *text, size_t len, const char **ret_why);

#endif
