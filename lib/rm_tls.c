/* SPDX-License-Identifier: ISC */
/*
 * TLS 1.3 over two descriptors, by OpenSSL.
 *
 * MUST: no certificate is trusted for who signed it, what it says or when: the
 * SHA-256 of its public key decides, and OpenSSL still demands the peer's
 * signature (CertificateVerify) with that key.
 * MUST: an end of input without close_notify is a loss, never an end.
 * MUST NOT: read the host's openssl.cnf, keep a session, ask for a passphrase.
 *
 * rm_tls_new does all that opens files, so that the rest runs in a jail.
 */
#include "rm_tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rm_io.h"
#include "rm_text.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define PEM_FILE_MAX	32768	/* bytes of a certificate's or key's file */
#define ALPN_MAX	32	/* bytes of an ALPN name */

/* OpenSSL adds this to the number of an alert that it has received. */
#define ALERT_FIRST	SSL_AD_REASON_OFFSET
#define ALERT_LAST	(SSL_AD_REASON_OFFSET + 255)

#define CIPHERS		"TLS_AES_256_GCM_SHA384:" \
			"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#define SIGNATURES	"ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:" \
			"ed25519:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384"

struct rm_tls {
	SSL_CTX *ctx;
	SSL *ssl;
	int rfd, wfd;
	bool server, pinned;
	bool alpn_wanted;
	unsigned char alpn[1 + ALPN_MAX];	/* length, name */
	char (*pins)[RM_HASH_HEX];
	size_t n_pins;
	char peer[RM_HASH_HEX];
	struct rm_err why;
};

/* What OpenSSL says, and what it means for the connection. */
static void
lost(struct rm_tls *tls, int ssl_error, int errnum)
{
	unsigned long e = ERR_peek_error();
	const char *text = ERR_reason_error_string(e), *alert;
	int reason = ERR_GET_REASON(e);

	if (ssl_error == SSL_ERROR_SYSCALL && errnum != 0)
		(void)rm_err_set(&tls->why, RM_CODE_CONNECTION,
		    "connection lost: %s", strerror(errnum));
	else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING ||
	    ssl_error == SSL_ERROR_SYSCALL)
		(void)rm_err_set(&tls->why, RM_CODE_CONNECTION,
		    "connection lost: end without close_notify");
	else if (reason >= ALERT_FIRST && reason <= ALERT_LAST) {
		/* OpenSSL names these after versions of long ago. */
		alert = text != NULL ? strstr(text, "alert ") : NULL;
		(void)rm_err_set(&tls->why, RM_CODE_DENIED,
		    "refused by the peer: %s", alert != NULL ? alert : "?");
	}
	else
		(void)rm_err_set(&tls->why, SSL_is_init_finished(tls->ssl) ?
		    RM_CODE_CONNECTION : RM_CODE_DENIED,
		    "TLS failed: %s", text != NULL ? text : "unknown error");
}

/* Turns the result of an SSL_ call into ours; a refusal of ours stays. */
static enum rm_tls_result
result(struct rm_tls *tls, int rc)
{
	int errnum = errno, ssl_error = SSL_get_error(tls->ssl, rc);

	switch (ssl_error) {
	case SSL_ERROR_NONE:
		return RM_TLS_OK;
	case SSL_ERROR_WANT_READ:
		return RM_TLS_READ;
	case SSL_ERROR_WANT_WRITE:
		return RM_TLS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return RM_TLS_END;
	default:
		if (tls->why.code == RM_CODE_OK)
			lost(tls, ssl_error, errnum);
		return RM_TLS_LOST;
	}
}

/* What OpenSSL still had in its queue belongs to nobody. */
static void
begin(void)
{
	ERR_clear_error();
	errno = 0;
}

/* In the handshake, when the peer has shown its certificate. */
static int
check_peer(X509_STORE_CTX *store, void *arg)
{
	struct rm_tls *tls = arg;
	uint8_t hash[SHA256_DIGEST_LENGTH];
	unsigned char *der = NULL;
	size_t i;
	int len;

	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(
	    X509_STORE_CTX_get0_cert(store)), &der);
	if (len <= 0)
		return 0;
	(void)SHA256(der, (size_t)len, hash);
	OPENSSL_free(der);
	rm_text_hex(tls->peer, hash, sizeof(hash));
	X509_STORE_CTX_set_error(store, X509_V_OK);
	if (!tls->pinned)
		return 1;
	for (i = 0; i < tls->n_pins; i++)
		if (strcmp(tls->pins[i], tls->peer) == 0)
			return 1;
	if (tls->n_pins == 1)
		(void)rm_err_set(&tls->why, RM_CODE_CHANGED_KEY,
		    "the peer's key is not the pinned one: "
		    "pinned %s, seen %s", tls->pins[0], tls->peer);
	else
		(void)rm_err_set(&tls->why, RM_CODE_UNKNOWN_KEY,
		    "the peer's key is not pinned: seen %s", tls->peer);
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

static enum rm_tls_result
wrong_alpn(struct rm_tls *tls)
{
	(void)rm_err_set(&tls->why, RM_CODE_DENIED,
	    "the peer does not speak %.*s", tls->alpn[0],
	    (const char *)tls->alpn + 1);
	return RM_TLS_LOST;
}

/* OpenSSL asks select_alpn only if the client names any: none is refused. */
static int
demand_alpn(SSL *ssl, int *ret_alert, void *arg)
{
	struct rm_tls *tls = arg;
	const unsigned char *ext;
	size_t len;

	if (SSL_client_hello_get0_ext(ssl,
	    TLSEXT_TYPE_application_layer_protocol_negotiation, &ext, &len))
		return SSL_CLIENT_HELLO_SUCCESS;
	(void)wrong_alpn(tls);
	*ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int
select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned int len, void *arg)
{
	struct rm_tls *tls = arg;
	unsigned char *name;

	(void)ssl;
	if (SSL_select_next_proto(&name, ret_len, tls->alpn,
	    tls->alpn[0] + 1U, offered, len) != OPENSSL_NPN_NEGOTIATED) {
		(void)wrong_alpn(tls);
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*ret = name;
	return SSL_TLSEXT_ERR_OK;
}

static int
set_alpn(struct rm_tls *tls, const char *alpn)
{
	size_t len = strlen(alpn);

	if (len == 0 || len > ALPN_MAX)
		return -1;
	tls->alpn_wanted = true;
	tls->alpn[0] = (unsigned char)len;
	memcpy(tls->alpn + 1, alpn, len);
	if (!tls->server)
		return SSL_CTX_set_alpn_protos(tls->ctx, tls->alpn,
		    (unsigned int)len + 1) == 0 ? 0 : -1;
	SSL_CTX_set_client_hello_cb(tls->ctx, demand_alpn, tls);
	SSL_CTX_set_alpn_select_cb(tls->ctx, select_alpn, tls);
	return 0;
}

/*
 * The best first; name by name, because one that this library does not know
 * makes it refuse a whole list.
 */
static int
set_groups(SSL_CTX *ctx)
{
	static const char *const names[] = { "X25519MLKEM768", "X25519",
	    "P-256" };
	char list[64] = "";
	size_t i, len = 0;

	for (i = 0; i < N(names); i++) {
		if (SSL_CTX_set1_groups_list(ctx, names[i]) != 1)
			continue;
		if (len > 0)
			list[len++] = ':';
		strcpy(list + len, names[i]);
		len += strlen(names[i]);
	}
	return SSL_CTX_set1_groups_list(ctx, list) == 1 ? 0 : -1;
}

static int
set_rules(struct rm_tls *tls, enum rm_tls_peer peer)
{
	SSL_CTX *ctx = tls->ctx;

	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, CIPHERS) != 1 ||
	    SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1 || set_groups(ctx) == -1)
		return -1;
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* The relay's buffer may have moved when it tries again. */
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_cert_verify_callback(ctx, check_peer, tls);
	SSL_CTX_set_verify(ctx, peer == RM_TLS_PEER_NONE ? SSL_VERIFY_NONE :
	    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static bool
use_pem(SSL_CTX *ctx, const char *pem, size_t len, bool is_key)
{
	/* Nobody is asked: a key with a passphrase cannot be read. */
	static char none[] = "";
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	bool used;

	if (is_key) {
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, none);
		used = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	} else {
		cert = PEM_read_bio_X509(bio, NULL, NULL, none);
		used = cert != NULL && SSL_CTX_use_certificate(ctx, cert) == 1;
	}
	EVP_PKEY_free(key);
	X509_free(cert);
	(void)BIO_free(bio);
	return used;
}

static int
load_pem(SSL_CTX *ctx, const char *path, bool is_key, struct rm_err *err)
{
	char pem[PEM_FILE_MAX];
	ssize_t len;
	bool used;

	len = is_key ? rm_io_load_owned(path, 077, pem, sizeof(pem)) :
	    rm_io_load(path, pem, sizeof(pem));
	if (len == -1)
		return rm_err_set(err, RM_CODE_USAGE,
		    "unable to use %s: %s", path, errno != EPERM ?
		    strerror(errno) : "a key's file must be regular, ours or "
		    "root's, and closed to group and others");
	used = use_pem(ctx, pem, (size_t)len, is_key);
	/* A certificate's file may hold the key as well. */
	explicit_bzero(pem, sizeof(pem));
	if (used)
		return 0;
	return rm_err_set(err, RM_CODE_USAGE, is_key ?
	    "%s holds no private key that fits the certificate" :
	    "%s holds no certificate that can be used", path);
}

static int
make_ssl(struct rm_tls *tls)
{
	int on = 1;

	/* Without this, short answers wait 40 ms; not every peer is TCP. */
	(void)setsockopt(tls->wfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (rm_io_unblock(tls->rfd) == -1 || rm_io_unblock(tls->wfd) == -1 ||
	    (tls->ssl = SSL_new(tls->ctx)) == NULL ||
	    SSL_set_rfd(tls->ssl, tls->rfd) != 1 ||
	    SSL_set_wfd(tls->ssl, tls->wfd) != 1)
		return -1;
	if (tls->server)
		SSL_set_accept_state(tls->ssl);
	else
		SSL_set_connect_state(tls->ssl);
	return 0;
}

int
rm_tls_new(struct rm_tls **ret, const struct rm_tls_conf *conf,
    struct rm_err *err)
{
	struct rm_tls *tls;

	if ((tls = calloc(1, sizeof(*tls))) == NULL)
		return rm_err_set(err, RM_CODE_SYSTEM, "no memory");
	tls->rfd = conf->rfd;
	tls->wfd = conf->wfd;
	tls->server = conf->server;
	tls->pinned = conf->peer == RM_TLS_PEER_PINNED;
	tls->pins = conf->pins;
	tls->n_pins = conf->n_pins;
	begin();
	/* The host's openssl.cnf must not weaken what stands here. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    (tls->ctx = SSL_CTX_new(conf->server ? TLS_server_method() :
	    TLS_client_method())) == NULL ||
	    set_rules(tls, conf->peer) == -1 ||
	    (conf->alpn != NULL && set_alpn(tls, conf->alpn) == -1)) {
		(void)rm_err_set(err, RM_CODE_SYSTEM, "unable to set up TLS");
		goto fail;
	}
	if ((conf->cert != NULL &&
	    load_pem(tls->ctx, conf->cert, false, err) == -1) ||
	    (conf->key != NULL &&
	    load_pem(tls->ctx, conf->key, true, err) == -1))
		goto fail;
	if (make_ssl(tls) == -1) {
		(void)rm_err_set(err, RM_CODE_SYSTEM,
		    "unable to begin TLS: %s", strerror(errno));
		goto fail;
	}
	*ret = tls;
	return 0;
fail:
	rm_tls_free(tls);
	return -1;
}

/* A server may pass over the name that we asked for; we do not. */
static enum rm_tls_result
check_alpn(struct rm_tls *tls)
{
	const unsigned char *name;
	unsigned int len;

	if (!tls->alpn_wanted || tls->server)
		return RM_TLS_OK;
	SSL_get0_alpn_selected(tls->ssl, &name, &len);
	if (len == tls->alpn[0] && memcmp(name, tls->alpn + 1, len) == 0)
		return RM_TLS_OK;
	return wrong_alpn(tls);
}

enum rm_tls_result
rm_tls_step(struct rm_tls *tls)
{
	enum rm_tls_result res;

	begin();
	res = result(tls, SSL_do_handshake(tls->ssl));
	return res == RM_TLS_OK ? check_alpn(tls) : res;
}

int
rm_tls_fd(const struct rm_tls *tls, enum rm_tls_result res)
{
	return res == RM_TLS_WRITE ? tls->wfd : tls->rfd;
}

/* The name of a signature in TLS 1.3 (RFC 8446, 4.2.3). */
static const char *
signature_name(int key, int hash)
{
	static const struct {
		int key, hash;
		const char *name;
	} names[] = {
		{ EVP_PKEY_EC, NID_sha256, "ecdsa_secp256r1_sha256" },
		{ EVP_PKEY_EC, NID_sha384, "ecdsa_secp384r1_sha384" },
		{ EVP_PKEY_ED25519, NID_undef, "ed25519" },
		{ EVP_PKEY_RSA_PSS, NID_sha256, "rsa_pss_rsae_sha256" },
		{ EVP_PKEY_RSA_PSS, NID_sha384, "rsa_pss_rsae_sha384" },
	};
	size_t i;

	for (i = 0; i < N(names); i++)
		if (names[i].key == key && names[i].hash == hash)
			return names[i].name;
	return "unknown";
}

#define PUT(array, text) \
	((void)snprintf(array, sizeof(array), "%s", text))

void
rm_tls_facts(const struct rm_tls *tls, struct rm_tls_facts *ret)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	SSL *ssl = tls->ssl;
	uint8_t key[RM_HASH_LEN];
	const char *group;
	int type = NID_undef, hash = NID_undef;

	memset(ret, 0, sizeof(*ret));
	if (tls->server) {
		(void)SSL_get_signature_type_nid(ssl, &type);
		(void)SSL_get_signature_nid(ssl, &hash);
	} else {
		(void)SSL_get_peer_signature_type_nid(ssl, &type);
		(void)SSL_get_peer_signature_nid(ssl, &hash);
	}
	group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
	PUT(ret->version, SSL_get_version(ssl));
	/* As everybody but the registry spells it. */
	PUT(ret->group, strcmp(group, "x25519") == 0 ? "X25519" : group);
	PUT(ret->signature, signature_name(type, hash));
	PUT(ret->cipher, SSL_get_cipher_name(ssl));
	PUT(ret->peer, tls->peer);
	/* RFC 9266: the context is there, and empty. */
	if (SSL_export_keying_material(ssl, key, sizeof(key), label,
	    sizeof(label) - 1, (const uint8_t *)"", 0, 1) == 1)
		rm_text_hex(ret->exporter, key, sizeof(key));
}

enum rm_tls_result
rm_tls_read(struct rm_tls *tls, void *buf, size_t len, size_t *ret_n)
{
	begin();
	return result(tls, SSL_read_ex(tls->ssl, buf, len, ret_n));
}

/*
 * A write that fails behind the peer's close_notify is no end, though OpenSSL
 * calls it by that name.
 */
static enum rm_tls_result
sent(struct rm_tls *tls, int rc)
{
	int errnum = errno;
	enum rm_tls_result res = result(tls, rc);

	if (res != RM_TLS_END)
		return res;
	lost(tls, SSL_ERROR_SYSCALL, errnum);
	return RM_TLS_LOST;
}

enum rm_tls_result
rm_tls_write(struct rm_tls *tls, const void *buf, size_t len, size_t *ret_n)
{
	begin();
	return sent(tls, SSL_write_ex(tls->ssl, buf, len, ret_n));
}

enum rm_tls_result
rm_tls_end(struct rm_tls *tls)
{
	int rc;

	begin();
	/* 0: our part is out, the peer's is still to come. */
	rc = SSL_shutdown(tls->ssl);
	return sent(tls, rc >= 0 ? 1 : rc);
}

const struct rm_err *
rm_tls_why(const struct rm_tls *tls)
{
	return &tls->why;
}

void
rm_tls_free(struct rm_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->ctx);
	free(tls);
}
