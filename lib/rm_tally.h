/* SPDX-License-Identifier: ISC */
#ifndef RM_TALLY_H
#define RM_TALLY_H

#include <stdint.h>

#include "rm_die.h"

/*
 * Counters for the eyes: how much has happened since boot.  They stand in one
 * small file, $RM_TALLY, that rm-supervise makes at boot and all programs of
 * the appliance map.  Nothing is ever decided by them: who cannot count goes
 * on without, and a number may be one behind the truth at any moment.
 */
enum rm_tally_slot {
	RM_TALLY_CALLS,		/* of PKCS#11, at the gate */
	RM_TALLY_SERVICE,	/* log-ins that were let in (rm-login) */
	RM_TALLY_MANAGEMENT,	/* sessions whose quorum was complete */
	RM_TALLY_REFUSED,	/* connections: full, busy, denied */
	RM_TALLY_SLOTS
};

/* The file, in bytes: room for slots to come, zero until somebody adds. */
#define RM_TALLY_BYTES	512

/* All counters at one moment; each by its slot. */
struct rm_tally {
	uint64_t n[RM_TALLY_SLOTS];
};

/*
 * Maps the file, once in a process; a child of fork(2) has it, too.  Who jails
 * himself and wants to count afterwards calls this before.  Without
 * $RM_TALLY, or if that is no such file, nothing will be counted, in silence.
 * Safe in any thread; errno is as it was.
 */
void rm_tally_open(void);

/*
 * Adds n to a counter, in one step to all who add or read; rm_tally_open()
 * comes by itself.  No system call after the first.  errno is as it was.
 */
void rm_tally_add(enum rm_tally_slot slot, uint64_t n);

/*
 * Reads all counters from the file at path (absolute or not; $RM_TALLY is not
 * looked at) into *ret, the caller's.  0, or -1 with errno: EINVAL if it is
 * not such a file.
 */
RM_MUST_CHECK int rm_tally_read(const char *path, struct rm_tally *ret);

#endif
