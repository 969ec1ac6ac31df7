/* SPDX-License-Identifier: ISC */
#ifndef RM_TLS_H
#define RM_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_err.h"
#include "rm_hash.h"

/*
 * TLS as the toolkit speaks it (rm-toolkit(7), THE WIRE), both ends: version
 * 1.3 only, one ALPN name, no tickets, no resumption, no early data, nothing
 * from the host's openssl.cnf.  Of a certificate only the key counts.
 *
 * Nothing here waits: the descriptors are made non-blocking, and whoever gets
 * RM_TLS_READ or RM_TLS_WRITE polls and calls again with the same arguments.
 * rm_talk.h waits for those who have nothing else to do.
 *
 *	rm_tls_new -> rm_tls_step ... -> rm_tls_read, rm_tls_write -> rm_tls_end
 */
struct rm_tls;

enum rm_tls_result {
	RM_TLS_OK,		/* done */
	RM_TLS_READ,		/* again when there is input (POLLIN) */
	RM_TLS_WRITE,		/* again when there is room (POLLOUT) */
	RM_TLS_END,		/* close_notify: the peer has said all */
	RM_TLS_LOST		/* anything else: rm_tls_why says what */
};

/* Whether the peer must show a key, and which. */
enum rm_tls_peer {
	RM_TLS_PEER_NONE,	/* a server that asks for none */
	RM_TLS_PEER_ANY,	/* any: only to learn what there is to pin */
	RM_TLS_PEER_PINNED	/* one of those in pins */
};

struct rm_tls_conf {
	bool server;
	int rfd, wfd;			/* the peer; may be the same */
	const char *alpn;		/* NULL: none asked for, any goes */
	/*
	 * PEM files; a client without a key of its own leaves both NULL.
	 * Both may name one file.  The key's file must be regular, ours or
	 * root's, and closed to group and others.
	 */
	const char *cert, *key;
	enum rm_tls_peer peer;
	char (*pins)[RM_HASH_HEX];	/* KEYIDs; only read; outlive it */
	size_t n_pins;
};

/* What was agreed, as it stands in the environment. */
struct rm_tls_facts {
	char version[16];		/* TLSv1.3 */
	char group[32];			/* X25519 */
	char signature[32];		/* ecdsa_secp256r1_sha256 */
	char cipher[32];		/* TLS_AES_256_GCM_SHA384 */
	char exporter[RM_HASH_HEX];	/* RFC 9266 tls-exporter, digits */
	char peer[RM_HASH_HEX];		/* KEYID of the peer's key, or "" */
};

/*
 * Reads the files and makes a connection over the descriptors, which stay the
 * caller's.  Sends nothing yet.  Returns 0, or -1 with err: USAGE if a file
 * is not what it must be, SYSTEM otherwise.
 */
RM_MUST_CHECK int rm_tls_new(struct rm_tls **ret,
    const struct rm_tls_conf *conf, struct rm_err *err);

/*
 * As much of the handshake as can be done without waiting; a client's first
 * call sends its ClientHello and returns RM_TLS_READ.  RM_TLS_OK: complete,
 * and the peer has proved that it holds a key that conf allows.
 * RM_TLS_LOST, see rm_tls_why: UNKNOWN_KEY or CHANGED_KEY (with fingerprints),
 * DENIED (the peer refused us, does not speak alpn, or does not speak TLS as
 * it should), CONNECTION.
 */
RM_MUST_CHECK enum rm_tls_result rm_tls_step(struct rm_tls *tls);

/* The descriptor to poll after RM_TLS_READ or RM_TLS_WRITE. */
int rm_tls_fd(const struct rm_tls *tls, enum rm_tls_result result);

/* What was agreed; after the handshake only. */
void rm_tls_facts(const struct rm_tls *tls, struct rm_tls_facts *ret);

/*
 * Moves what can be moved without waiting and sets *ret_n.  A read into
 * RM_TLS_RECORD bytes leaves nothing behind that poll(2) would not see.
 * RM_TLS_END comes from reads only, RM_TLS_LOST is for good.
 */
#define RM_TLS_RECORD	16384
RM_MUST_CHECK enum rm_tls_result rm_tls_read(struct rm_tls *tls, void *buf,
    size_t len, size_t *ret_n);
RM_MUST_CHECK enum rm_tls_result rm_tls_write(struct rm_tls *tls,
    const void *buf, size_t len, size_t *ret_n);

/*
 * Says that nothing more will be sent (close_notify); what the peer still has
 * to say can be read.  RM_TLS_OK when it is out.
 */
RM_MUST_CHECK enum rm_tls_result rm_tls_end(struct rm_tls *tls);

/* Why the last call was RM_TLS_LOST; the connection's own memory. */
const struct rm_err *rm_tls_why(const struct rm_tls *tls);

/* Forgets keys and state; sends nothing, closes nothing.  NULL is allowed. */
void rm_tls_free(struct rm_tls *tls);

#endif
