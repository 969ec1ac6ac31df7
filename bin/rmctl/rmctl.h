/* SPDX-License-Identifier: ISC */
#ifndef RMCTL_H
#define RMCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_code.h"
#include "rm_die.h"
#include "rm_err.h"
#include "rm_hash.h"
#include "rm_known.h"
#include "rm_reply.h"
#include "rm_secret.h"
#include "rm_talk.h"
#include "rm_text.h"

/*
 * The station's client: what its parts share.  Unless said otherwise a
 * function returns the exit code, RM_CODE_OK if all went well, and has said
 * why on standard error if it did not.
 */

/* --- rmctl.c -------------------------------------------------------------- */

/* The options, which stand before the verb or, for local verbs, behind it. */
struct rmctl_opts {
	const char *host;	/* -H, else RM_HOST, else NULL */
	const char *for_whom;	/* --for (present), or NULL */
	const char *as;		/* --as, else RM_MANAGER, else NULL */
	const char *reader;	/* --reader: name or a part of it, or NULL */
	uint8_t slot;		/* --slot, else RM_CARD_SLOT */
	/*
	 * PINs, one line a card: --pin-fd, or --pin-file opened; -1 if a
	 * person types them.  For pin_fd of struct rm_card_want.
	 */
	int pin_fd;
	uint32_t wait_ms;	/* --wait: for each card */
	uint32_t answer_ms;	/* --card-timeout: for each of its answers */
	bool last_try;		/* --last-try */
	const char *yes;	/* --yes: the appliance's name, or NULL */
	const char *payload;	/* --payload: a file, "-" or NULL */
	const char *fingerprint;	/* --fingerprint: KEYID, or NULL */
	const char *appliance;	/* --appliance: KEYID (card enrol), or NULL */
	bool replace, list;	/* trust --replace, trust --list */
	const char *user;	/* --user: of the service, or NULL */
	const char *password_file;	/* --password-file, or NULL */
	int password_fd;	/* --password-fd, or -1 */
	uint32_t call_ms;	/* --call-timeout: for each of its answers */
	const char *socket;	/* p11 --socket: PATH, or NULL */
	bool keep_going;	/* run --keep-going */
	bool progress, quiet;
};

extern struct rmctl_opts rmctl_opts;

/* Prints "rmctl: fatal: WORD: text" in the words of the wire; returns code. */
int rmctl_fail(enum rm_code code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for what a library function left in err. */
int rmctl_fail_err(const struct rm_err *err);

/* "rmctl: info: ...", unless --quiet. */
void rmctl_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The verbs; argv[0] is the verb, options have been taken out. */
int rmctl_card(int argc, char *argv[]);		/* card.c */
int rmctl_trust(int argc, char *argv[]);	/* trust.c */
int rmctl_distrust(int argc, char *argv[]);
int rmctl_p11(int argc, char *argv[]);		/* p11.c */
int rmctl_partition(int argc, char *argv[]);	/* partition.c */
int rmctl_command(int argc, char *argv[]);	/* session.c */
int rmctl_present(int argc, char *argv[]);
int rmctl_shell(int argc, char *argv[]);	/* script.c */
int rmctl_run(int argc, char *argv[]);

/* --- input.c: standard input, and files of the person --------------------- */

#define INPUT_MAX	8192	/* bytes of a line, with its LF */

/* True if a person is there who can be asked. */
bool input_is_person(void);

/*
 * Takes the next line of standard input, without its LF, ended by a NUL.
 * Returns 1; 0 at the end; -1 with errno (EMSGSIZE if the line is too long,
 * ENODATA if the last one has no LF, EILSEQ if it has a NUL).
 */
RM_MUST_CHECK int input_line(char ret[static INPUT_MAX]);

/* True if a line, or the end, can be taken without waiting. */
bool input_ready(void);

/* Prints the prompt and takes the answer.  0, or -1 if there is none. */
RM_MUST_CHECK int input_ask(const char *prompt, char ret[static INPUT_MAX]);

/*
 * Writes the path of name in the person's folder: $VARIABLE/rm/name, or
 * $HOME/preset/rm/name.  0, or -1 if neither is set or it does not fit.
 */
RM_MUST_CHECK int input_path(char *ret, size_t size, const char *variable,
    const char *preset, const char *name);

/* rm_io_replace (0600), making the folders that are missing (0700). */
RM_MUST_CHECK int input_replace(char *path, const void *buf, size_t len);

/* --- link.c: the connection ----------------------------------------------- */

#define LINK_NOTHING		(-1)	/* no code of rm_code.h */
#define LINK_ALPN		"rm/1"
#define LINK_ALPN_SERVICE	"rm-p11/1"
#define LINK_SERVICE_PORT	"4434"	/* where none is told */

struct link {
	const char *where;		/* what the person calls it */
	bool service;			/* the HSM service's own port */
	struct rm_known peer;		/* as pinned */
	int fd;				/* -1: not connected */
	bool up;			/* the handshake is complete */
	bool over;			/* nothing can be said any more */
	enum rm_code refused;		/* since the last line was sent */
	struct rm_tls *tls;
	struct rm_talk talk;
	struct rm_greeting greeting;
	char channel[RM_HASH_HEX];
};

/* Where the pins are. */
void link_pins_path(char *ret, size_t size);

/* Takes what the person wrote, a pinned name or HOST[:PORT], to a pin. */
int link_find(struct link *l, const char *where);

/*
 * The same for the HSM service, whose port is 4434 unless told.  A name whose
 * pin is of port 4433 is an appliance's: the service is looked for beside it.
 */
int link_find_service(struct link *l, const char *where);

/*
 * In this order, so that a card can work while the server starts: the TCP
 * connection; the ClientHello; all the rest up to the greeting, which says
 * ready.  A service does not greet: link_shake ends with the handshake.
 */
int link_dial(struct link *l);
int link_hello(struct link *l);
int link_greet(struct link *l);
int link_shake(struct link *l);

/* Sends len bytes. */
int link_send(struct link *l, const void *buf, size_t len);

/*
 * Takes the next line of an answer.  Notices are told to the person here; one
 * that ends the connection, its end and its loss are the codes of that, and
 * set over.  LINK_NOTHING if nothing came by the deadline.
 */
int link_next(struct link *l, struct rm_reply *ret, int64_t deadline);

/* Says that nothing more will come, and waits until the appliance is done. */
void link_end(struct link *l);

/* Closes without a word; may be called again. */
void link_close(struct link *l);

/* --- payload.c ------------------------------------------------------------ */

/* What goes with a command; bytes are NULL if nothing does. */
struct payload {
	uint8_t *bytes;		/* locked memory */
	size_t len;
};

/* Reads a file, "-" for standard input; payload_free must follow. */
int payload_load(struct payload *ret, const char *path);

/* Announces and sends it, if there is one: the next line takes it. */
int payload_send(struct link *l, const struct payload *p);

/* Wipes it; may be called again. */
void payload_free(struct payload *p);

/* --- session.c ------------------------------------------------------------ */

/* Fails if nobody said which appliance. */
int session_need_host(void);

/*
 * Runs one command in the session that votes_give has made: its n words, and
 * what goes with it.  Asks for the confirmation if one is wanted.
 */
int session_run(struct link *l, size_t n, char *const words[],
    const struct payload *payload);

/* Ends the session in order, whatever it came to; returns rc. */
int session_leave(struct link *l, int rc);

/* --- back.c --------------------------------------------------------------- */

/*
 * Takes --wait [SECONDS] behind restart out of the words; *ret_ms is 0 if it
 * is not there.
 */
int back_wanted(int *argc, char *argv[], uint32_t *ret_ms);

/* Waits until the appliance of that link greets with another arming. */
int back_wait(const struct link *before, uint32_t ms);

/* --- p11.c: a PKCS#11 application's way to the service -------------------- */

/*
 * Never returns: carries the application's calls between in, out and the
 * service at l, in a jail, until the application ends; rc is what came of the
 * log-in (see relay.h).
 */
_Noreturn void p11_carry(struct link *l, int in, int out, int rc);

/* --- agent.c: the same for all who connect to a local socket -------------- */

int agent_run(void);

/* --- service.c: a log-in at the HSM service ------------------------------- */

/*
 * Takes the password of a user of the service where --password-fd or
 * --password-file says, else from the person at /dev/tty, into locked memory
 * that rm_secret_free frees.
 */
int service_password(struct rm_secret **ret, const char *user,
    const char *where);

/*
 * Dials the service that link_find_service found.  link_close must follow,
 * whether it worked or not.
 */
int service_dial(struct link *l);

/*
 * Logs in, when link_shake has been called.  What comes then is the next
 * protocol's: commands and their answers (link_send, link_next, link_end) if
 * user is master, p11-kit's frames for anybody else.  RM_CODE_DENIED: a try
 * was used.
 */
int service_enter(struct link *l, const char *user,
    const struct rm_secret *password);

/*
 * All of it, for whoever logs in once: finds the service of where, takes the
 * password, dials, logs in, and wipes the password.  link_close must follow.
 */
int service_login(struct link *l, const char *where, const char *user);

/* --- witness.c ------------------------------------------------------------ */

/*
 * Compares the head of the log with what this station remembers of this
 * appliance, warns if the log was shortened or rewritten, and remembers.
 */
void witness_look(const struct link *l);

/* --- votes.c -------------------------------------------------------------- */

/*
 * Makes a session: finds the pin of where, connects, and has cards sign until
 * the quorum is complete.  Whether it worked or not, votes_end and link_close
 * must follow.
 */
int votes_give(struct link *l, const char *where);

/*
 * Has one card vote for --for, and leaves that vote at the appliance, for the
 * manager's own connection.  The same must follow.
 */
int votes_keep(struct link *l, const char *where);

/* Ends what cards still do. */
void votes_end(void);

#endif
