/* SPDX-License-Identifier: ISC */
#ifndef RM_VERSION_H
#define RM_VERSION_H

#define RM_VERSION	"0.1"	/* of the toolkit and of its wire's programs */

#endif
