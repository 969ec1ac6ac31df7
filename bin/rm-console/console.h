/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_CONSOLE_H
#define RM_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rm_die.h"

/* --- facts.c: what is so, as files and locks tell it ---------------------- */

#define FACTS_GATHERS	4		/* rm-auth has so many places */
#define FACTS_LAST	3		/* operations that have ended */

struct facts {
	bool identity;			/* an appliance has been made */
	bool sealed;			/* it has been armed before */
	bool locked;			/* the console wants a card ... */
	bool lock_is_old;		/* ... since before this boot */
	uint32_t custodians_n;
	bool service;			/* it listens */
	bool armed;
	bool session;			/* somebody has the session's lock */
	pid_t holder;			/* who says that it is he, or 0 */
	/* All of these are fit to be shown; empty if they are not known. */
	char boot[16], name[64], key[80], listens[80], domain[64];
	char ip[64], manager[64], custodians[512], since[32], tls[256];
	/* Only while it is armed: */
	int64_t idle_s;			/* since the session was used */
	char limit[16];			/* for that, in seconds */
	char gather[FACTS_GATHERS][160];	/* quorum 1 of 2: alice (IP) */
	char operation[48], progress[160];	/* under way */
	char last[FACTS_LAST][128];	/* the latest first */
};

/* Looks at everything once; waits for nothing. */
void facts_look(struct facts *ret);

/* facts_rm.c: what is looked at for the RM window alone. */
void facts_look_armed(struct facts *f);

/* A first line "key value" of text; empty if there is none. */
void facts_value(char *ret, size_t size, const char *text, const char *key);

/* True if somebody holds the lock of this file below $RM_RUN. */
bool facts_held(const char *name);

/* What the RM window says. */
void facts_describe(char *ret, size_t size, const struct facts *f);

/*
 * Local activity: remote management ends here and now.  MUST come before
 * anything else that a byte from the terminal leads to.  Returns 1 if
 * something was armed, 0 if nothing was, -1 with errno if it still may be.
 */
RM_MUST_CHECK int facts_disarm(void);

/* --- watch.c: every event but the terminal's, behind one descriptor ------- */

enum watch_event {
	WATCH_FACTS = 1,		/* look again */
	WATCH_TASK = 2,			/* the task's output can be read */
	WATCH_RESIZE = 4,
	WATCH_END = 8,			/* TERM, HUP or INT */
	WATCH_CARD = 16			/* ask reader_take */
};

/* Returns a descriptor that is readable when something has happened. */
int watch_open(void);

/* Takes what has happened; bits of enum watch_event. */
unsigned int watch_take(void);

/* Follows the holder of the session, or nobody (0): its end is an event. */
void watch_holder(pid_t pid);

/* While on, each change of the audit log is WATCH_FACTS, too. */
void watch_log(bool on);

/* Follows a descriptor of a task; it leaves when it is closed. */
void watch_task(int fd);

/* Follows what reader.c reads, or nothing (-1). */
void watch_reader(int fd);

/* --- task.c: programs that the console runs, and never waits for ---------- */

#define TASK_TEXT	65536
#define TASK_INPUT	131072

struct task {
	int fd;				/* its output, or -1: there is none */
	size_t len;
	char text[TASK_TEXT];		/* the end of what it wrote */
};

/*
 * Starts argv with len bytes of input, at most TASK_INPUT, and follows its
 * output, standard error too with errors.  t may be NULL.  What cannot be
 * started says so in its output.
 */
void task_start(struct task *t, const char *const argv[], const char *input,
    size_t len, bool errors);

/* Reads on; true when the task has ended: then its text is whole. */
bool task_read(struct task *t);

/* What it wrote, fit to be shown: printable ASCII and LF. */
void task_clean(char *ret, size_t size, const struct task *t);

/* In a child: becomes argv, with these as input and output. */
_Noreturn void task_become(const char *const argv[], int in, int out,
    bool errors);

/* Leaves it to itself; an operation learns that, and ends. */
void task_forget(struct task *t);

/* --- reader.c: the console's own card reader ------------------------------ */

/* From now on WATCH_CARD tells of cards that are put in; or no more. */
void reader_follow(bool wanted);

/* True if one has been. */
bool reader_take(void);

/* --- ui.c and plain.c: the two ways to be a console ---------------------- */

/* Menus and the RM window on tty; the operations are in the folder ops. */
_Noreturn void ui_run(int tty, int events, const char *ops);

/* The same facts as lines; any byte from standard input disarms. */
_Noreturn void plain_run(int events);

/* --- rm-console.c --------------------------------------------------------- */

/*
 * Local activity.  True if it shall be recorded: call record_disarm once the
 * screen has been drawn.
 */
bool local_activity(void);
void record_disarm(void);

#endif
