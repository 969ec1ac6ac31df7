/* SPDX-License-Identifier: ISC */
#ifndef RM_DIE_H
#define RM_DIE_H

/*
 * Messages of a tool on its log (standard error), one write(2) a line, so
 * that lines of several processes do not mix.  Only tools call this, never
 * the rest of the library.  Form: "rm-auth: fatal: unable to open PATH: why".
 */

#define RM_MUST_CHECK	__attribute__((warn_unused_result))

/* Exit codes, the same in every program (rm-toolkit(7), EXIT STATUS). */
enum rm_exit {
	RM_EXIT_OK = 0,
	RM_EXIT_REFUSED = 1,
	RM_EXIT_USAGE = 100,
	RM_EXIT_SYSTEM = 111,
	RM_EXIT_NOEXEC = 126,
	RM_EXIT_NOPROG = 127
};

/* Names the tool in every later message and ignores SIGPIPE. */
void rm_die_init(const char *name);

/* Only names it: for a module in somebody else's process. */
void rm_die_name(const char *name);

/* Prints "NAME: fatal: text: strerror(errno)" and exits with code. */
_Noreturn void die(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same without errno, for faults that we found ourselves. */
_Noreturn void diex(int code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the same line as diex, and leaves the end to the caller. */
void rm_fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints "usage: text" and exits 100. */
_Noreturn void die_usage(const char *text);

/* "warning: ..." with and without errno, and "info: ...". */
void rm_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rm_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rm_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Flushes stdout and exits 0; dies (111) if what was printed is not out. */
_Noreturn void rm_die_done(void);

#endif
