/* SPDX-License-Identifier: ISC */
#ifndef RM_ENV_H
#define RM_ENV_H

#include <stddef.h>

/*
 * The environment of the chain (rm-toolkit(7), ENVIRONMENT).  Settings are
 * kept by every link; facts are unset by rm-listen and set by the link that
 * found them out.
 */

/* $RM_STATE, $RM_RUN or their defaults; the pointer is the environment's. */
const char *rm_env_state(void);
const char *rm_env_run(void);

/*
 * Writes the path of a file below $RM_STATE or $RM_RUN to ret; exits 100 if
 * it does not fit.
 */
void rm_env_state_path(char *ret, size_t size, const char *name);
void rm_env_run_path(char *ret, size_t size, const char *name);

/*
 * Writes the number of the generation that is in force ($RM_STATE/current) to
 * ret, or "-" if there is none.
 */
void rm_env_generation(char *ret, size_t size);

/*
 * Writes the path of the station's pinned appliances to ret:
 * $XDG_CONFIG_HOME/rm/appliances or ~/.config/rm/appliances; exits 100 if
 * there is no home, or it does not fit.
 */
void rm_env_known_path(char *ret, size_t size);

/*
 * Writes the value of a "key value" line of the settings file ($RM_CONF or
 * $RM_STATE/conf) to ret; preset if there is no such line or no such file;
 * exits 100 if the file cannot be read or the value does not fit.
 */
void rm_env_conf(char *ret, size_t size, const char *key, const char *preset);

/* The value of a fact; exits 100 and names it if it is missing or empty. */
const char *rm_env_need(const char *fact);

/* Sets a fact; exits 111 if there is no memory. */
void rm_env_set(const char *fact, const char *value);

/* Sets the RM_TLS_ facts; RM_TLS_PEER is unset if the peer showed no key. */
struct rm_tls_facts;
void rm_env_set_tls(const struct rm_tls_facts *facts);

/* Unsets every fact and both descriptor names: the first act of a chain. */
void rm_env_unset_facts(void);

/* All names of facts, ended by NULL: for who hands them on. */
extern const char *const rm_env_facts[];

#endif
