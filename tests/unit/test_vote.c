/* SPDX-License-Identifier: ISC */
/* Lines that are votes, and lines and answers that are not. */
#include <stdio.h>
#include <string.h>

#include "rm_vote.h"

#define KEY	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"

static int tests;

static void
ok(bool good, const char *what, const char *detail)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++tests, what,
	    detail);
}

static void
test_lines(void)
{
	static const char *const bad[] = { "", "status", "present",
		"present bob " KEY " ed25519", "present bob " KEY
		" ed25519 YQ== x", " present bob " KEY " ed25519 YQ==",
		"present  bob " KEY " ed25519 YQ==",
		"present Bob " KEY " ed25519 YQ==",
		"present bob%0A " KEY " ed25519 YQ==",
		"present ../bob " KEY " ed25519 YQ==",
		"present bob 0" KEY " ed25519 YQ==",
		"present bob A" KEY " ed25519 YQ==",
		"present bob ../" KEY " ed25519 YQ==",
		"present bob " KEY " sha1 YQ==",
		"present bob " KEY " ED25519 YQ==",
		"present bob " KEY " ed25519 YQ=",
		"present bob " KEY " ed25519 YR==",
		"present bob " KEY " ed25519 Y_==",
		"keep bob " KEY " ed25519", "keeps bob " KEY " ed25519 YQ==",
		"PRESENT bob " KEY " ed25519 YQ==",
		"present bob " KEY " ed25519 YQ==\r",
		"present bob " KEY " ed25519 YQ==\x1b" };
	char line[RM_LINE_MAX];
	struct rm_vote vote;
	size_t i, len;

	(void)strcpy(line, "present bob " KEY " ecdsa-sha256 YWJj");
	rm_vote_parse(&vote, (const uint8_t *)line, strlen(line));
	ok(vote.kind == RM_VOTE_GIVEN && strcmp(vote.manager, "bob") == 0 &&
	    strcmp(vote.keyid, KEY) == 0 && vote.sig_len == 3 &&
	    strcmp(vote.alg, "ecdsa-sha256") == 0 &&
	    memcmp(vote.sig, "abc", 3) == 0, "a vote", "taken apart");
	(void)strcpy(line, "keep bob " KEY " ecdsa-sha256 YWJj");
	rm_vote_parse(&vote, (const uint8_t *)line, strlen(line));
	ok(vote.kind == RM_VOTE_KEEP && rm_vote_is_sound(&vote) &&
	    strcmp(vote.manager, "bob") == 0, "a vote", "to be kept");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rm_vote_parse(&vote, (const uint8_t *)bad[i], strlen(bad[i]));
		ok(vote.kind == RM_VOTE_BAD && *vote.why != '\0' &&
		    rm_vote_is_sound(&vote), "bad", vote.why);
	}
	/* 684 characters are 512 bytes with one "=" too few: 683 are none */
	len = (size_t)snprintf(line, sizeof(line),
	    "present bob " KEY " rsa-pkcs1-sha256 ");
	memset(line + len, 'A', 684);
	line[len + 683] = '=';
	rm_vote_parse(&vote, (const uint8_t *)line, len + 684);
	ok(vote.kind == RM_VOTE_GIVEN && vote.sig_len == 512,
	    "as long as RSA 4096", "taken");
	line[len + 683] = 'A';
	rm_vote_parse(&vote, (const uint8_t *)line, len + 684);
	ok(vote.kind == RM_VOTE_BAD, "one byte longer", vote.why);
}

/* A reader that was taken over may answer anything. */
static void
test_answers(void)
{
	struct rm_vote good, vote;
	const char *line = "present bob " KEY " ecdsa-sha256 YWJj";

	rm_vote_parse(&good, (const uint8_t *)line, strlen(line));
	ok(rm_vote_is_sound(&good), "sound", "a vote");
	vote = good, vote.kind = 0;
	ok(!rm_vote_is_sound(&vote), "not sound", "kind 0");
	vote = good, vote.kind = 77;
	ok(!rm_vote_is_sound(&vote), "not sound", "kind 77");
	vote = good, vote.sig_len = RM_VOTE_SIG_MAX + 1;
	ok(!rm_vote_is_sound(&vote), "not sound", "signature too long");
	vote = good, memset(vote.manager, 'a', sizeof(vote.manager));
	ok(!rm_vote_is_sound(&vote), "not sound", "manager without end");
	vote = good, strcpy(vote.manager, "../../x");
	ok(!rm_vote_is_sound(&vote), "not sound", "manager is a path");
	vote = good, memset(vote.keyid, 'a', sizeof(vote.keyid));
	ok(!rm_vote_is_sound(&vote), "not sound", "KEYID without end");
	vote = good, vote.keyid[3] = '/';
	ok(!rm_vote_is_sound(&vote), "not sound", "KEYID is a path");
	vote = good, memset(vote.alg, 'a', sizeof(vote.alg));
	ok(!rm_vote_is_sound(&vote), "not sound", "algorithm without end");
	vote = good, strcpy(vote.alg, "none");
	ok(!rm_vote_is_sound(&vote), "not sound", "algorithm of its own");
	vote = good, vote.kind = RM_VOTE_BAD, strcpy(vote.why, "x\n+ done");
	ok(!rm_vote_is_sound(&vote), "not sound", "a reason of two lines");
	vote = good, vote.kind = RM_VOTE_BAD;
	memset(vote.why, 'a', sizeof(vote.why));
	ok(!rm_vote_is_sound(&vote), "not sound", "a reason without end");
}

int
main(void)
{
	test_lines();
	test_answers();
	printf("1..%d\n", tests);
	return 0;
}
