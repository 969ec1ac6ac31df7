/* SPDX-License-Identifier: ISC */
/*
 * probe-client: a PKCS#11 application that goes on when its module fails, as
 * a server's would: it finalizes, and initializes again.  It takes no care of
 * SIGPIPE.  Its key is a P-256 pair of the token; signatures are verified by
 * OpenSSL, with the public key that it got at the very beginning.
 * probe-client MODULE PIN steps
 *	a line of standard input is a step, "sign", "again" or "end"; prints
 *	its result
 * probe-client MODULE PIN sign FILE THREADS
 *	signs until there is FILE; prints "in" whenever it has begun (anew) and
 *	made a signature; at the end, how many signatures it made, how many
 *	were wrong, the longest call in ms, and the names of all failures
 */
#include <dlfcn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "p11.h"

#define HASH_LEN	32
#define HALF		32	/* bytes of r, and of s */
#define POINT_LEN	67	/* DER of an uncompressed point */
#define PAUSE_NS	20000000
#define NAMES_MAX	16

static CK_FUNCTION_LIST_PTR p11;
static CK_SLOT_ID slot;
static const char *pin;
static EVP_PKEY *public;
static const char *until;
static atomic_ulong n_good, n_wrong, n_since;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	double longest;
	size_t n;
	CK_RV rv[NAMES_MAX];
} seen;

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Notes how long a call took and, if it failed, by what. */
static CK_RV
note(CK_RV rv, double begun)
{
	double took = now() - begun;
	size_t i;

	(void)pthread_mutex_lock(&lock);
	if (took > seen.longest)
		seen.longest = took;
	for (i = 0; i < seen.n && seen.rv[i] != rv; i++)
		continue;
	if (rv != CKR_OK && i == seen.n && i < NAMES_MAX)
		seen.rv[seen.n++] = rv;
	(void)pthread_mutex_unlock(&lock);
	return rv;
}

static CK_RV
find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE a = { CKA_CLASS, &class, sizeof(class) };
	CK_ULONG n = 0;
	CK_RV rv;

	if ((rv = p11->C_FindObjectsInit(s, &a, 1)) != CKR_OK)
		return rv;
	rv = p11->C_FindObjects(s, ret, 1, &n);
	(void)p11->C_FindObjectsFinal(s);
	return rv != CKR_OK ? rv : n == 1 ? CKR_OK : CKR_KEY_HANDLE_INVALID;
}

/* From C_Initialize to a session that is logged in. */
static CK_RV
enter(CK_SESSION_HANDLE *ret)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;
	double begun = now();
	CK_RV rv;

	if ((rv = note(p11->C_Initialize(&args), begun)) != CKR_OK)
		return rv;
	begun = now();
	rv = p11->C_GetSlotList(CK_TRUE, slots, &n);
	if (rv == CKR_OK && n == 0)
		rv = CKR_TOKEN_NOT_PRESENT;
	slot = slots[0];
	if (rv == CKR_OK)
		rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
		    ret);
	if (rv == CKR_OK)
		rv = p11->C_Login(*ret, CKU_USER, (CK_UTF8CHAR_PTR)pin,
		    strlen(pin));
	if (note(rv, begun) != CKR_OK)
		(void)p11->C_Finalize(NULL);
	return rv;
}

static void
learn_public(CK_SESSION_HANDLE s)
{
	uint8_t der[POINT_LEN];
	CK_ATTRIBUTE a = { CKA_EC_POINT, der, sizeof(der) };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    (char *)"P-256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    der + 2, POINT_LEN - 2),
		OSSL_PARAM_construct_end()
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	CK_OBJECT_HANDLE key;

	p11_must(find(s, CKO_PUBLIC_KEY, &key), "public key");
	p11_must(p11->C_GetAttributeValue(s, key, &a, 1), "its point");
	if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx,
	    &public, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		(void)fprintf(stderr, "not a P-256 key\n");
		exit(1);
	}
	EVP_PKEY_CTX_free(ctx);
}

static bool
is_right(const uint8_t *hash, const uint8_t *raw)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	unsigned char *der = NULL;
	bool right;
	int len;

	(void)ECDSA_SIG_set0(sig, BN_bin2bn(raw, HALF, NULL),
	    BN_bin2bn(raw + HALF, HALF, NULL));
	len = i2d_ECDSA_SIG(sig, &der);
	right = len > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_verify(ctx, der, (size_t)len, hash, HASH_LEN) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(ctx);
	return right;
}

static CK_RV
sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned long number)
{
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	uint8_t hash[HASH_LEN] = { 0 }, raw[2 * HALF];
	CK_ULONG len = sizeof(raw);
	double begun = now();
	CK_RV rv;

	memcpy(hash, &number, sizeof(number));
	memcpy(hash + sizeof(number), &s, sizeof(s));
	if ((rv = note(p11->C_SignInit(s, &m, key), begun)) != CKR_OK)
		return rv;
	begun = now();
	if ((rv = note(p11->C_Sign(s, hash, sizeof(hash), raw, &len),
	    begun)) != CKR_OK)
		return rv;
	(void)atomic_fetch_add(len == sizeof(raw) && is_right(hash, raw) ?
	    &n_good : &n_wrong, 1);
	/* One write, of whichever thread is the first. */
	if (until != NULL && atomic_fetch_add(&n_since, 1) == 0 &&
	    write(STDOUT_FILENO, "in\n", 3) != 3)
		exit(111);
	return CKR_OK;
}

static void *
signer(void *unused)
{
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE key;
	unsigned long n = 0;
	double begun = now();

	(void)unused;
	if (note(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s),
	    begun) != CKR_OK)
		return NULL;
	begun = now();
	if (note(find(s, CKO_PRIVATE_KEY, &key), begun) != CKR_OK)
		return NULL;
	while (access(until, F_OK) == -1 && sign(s, key, n++) == CKR_OK)
		continue;
	return NULL;
}

/* Begins anew for as long as it takes; what fails then is noted, no more. */
static void
do_sign(int threads)
{
	const struct timespec pause = { 0, PAUSE_NS };
	pthread_t thread[64];
	CK_SESSION_HANDLE s;
	size_t i;
	int n;

	while (access(until, F_OK) == -1) {
		atomic_store(&n_since, 0);
		if (enter(&s) != CKR_OK) {
			(void)nanosleep(&pause, NULL);
			continue;
		}
		for (n = 0; n < threads && n < 64; n++)
			if (pthread_create(&thread[n], NULL, signer,
			    NULL) != 0)
				exit(111);
		while (n-- > 0)
			(void)pthread_join(thread[n], NULL);
		(void)p11->C_Finalize(NULL);
	}
	(void)printf("signed %lu wrong %lu longest %.0f failures",
	    atomic_load(&n_good), atomic_load(&n_wrong),
	    seen.longest * 1000);
	for (i = 0; i < seen.n; i++)
		(void)printf(" %s", p11_name(seen.rv[i]));
	(void)printf("\n");
}

static void
do_steps(CK_SESSION_HANDLE s)
{
	CK_OBJECT_HANDLE key;
	unsigned long n = 0;
	char word[16];
	CK_RV rv;

	p11_must(find(s, CKO_PRIVATE_KEY, &key), "private key");
	while (scanf("%15s", word) == 1 && strcmp(word, "end") != 0) {
		if (strcmp(word, "again") == 0) {
			(void)p11->C_Finalize(NULL);
			if ((rv = enter(&s)) == CKR_OK)
				rv = find(s, CKO_PRIVATE_KEY, &key);
		} else
			rv = sign(s, key, n++);
		(void)printf("%s\n", atomic_load(&n_wrong) > 0 ? "WRONG" :
		    p11_name(rv));
		(void)fflush(stdout);
	}
	(void)p11->C_Finalize(NULL);
}

int
main(int argc, char *argv[])
{
	CK_SESSION_HANDLE s;

	if (argc < 4)
		return 100;
	pin = argv[2];
	p11 = p11_open(argv[1]);
	(void)p11->C_Finalize(NULL);
	p11_must(enter(&s), "C_Initialize");
	learn_public(s);
	if (strcmp(argv[3], "steps") == 0) {
		do_steps(s);
		return 0;
	}
	if (argc != 6)
		return 100;
	(void)p11->C_Finalize(NULL);
	until = argv[4];
	do_sign(atoi(argv[5]));
	return 0;
}
