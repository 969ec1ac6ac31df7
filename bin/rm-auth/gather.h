/* SPDX-License-Identifier: ISC */
#ifndef GATHER_H
#define GATHER_H

#include "quorum.h"

/*
 * Tells who watches at the appliance how far this connection is: "key value"
 * lines in one of GATHER_SLOTS files $RM_RUN/quorum.N, which is true for as
 * long as it is locked, and so not longer than this process gathers.  Called
 * only once somebody has signed: strangers leave nothing behind.
 */
#define GATHER_SLOTS	4

void gather_tell(const struct quorum *q, const char *ip);

#endif
