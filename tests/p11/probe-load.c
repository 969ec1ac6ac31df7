/* SPDX-License-Identifier: ISC */
/*
 * probe-load: work for a PKCS#11 module.
 * probe-load MODULE PIN make N		N pairs of P-256 keys in the token; the
 *					longest call, in ms
 * probe-load MODULE PIN check		every private key of the token has its
 *					public one, which verifies what it signs
 * probe-load MODULE PIN sign rsa|ec MS	THREADS
 *					signatures a second on one connection,
 *					and a second of this process's CPU;
 *					verified once in a while
 * probe-load MODULE PIN fork		a child begins anew, as PKCS#11 says
 * probe-load MODULE PIN login		one log-in: the name of its answer
 * probe-load MODULE PIN change NEW	a new PIN, without a log-in: the same
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "p11.h"

#define SHA256_INFO	"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04" \
			"\x02\x01\x05\x00\x04\x20"
#define DIGEST		"0123456789abcdef0123456789abcdef"

static CK_FUNCTION_LIST_PTR p11;
static CK_SLOT_ID slot;
static CK_OBJECT_HANDLE public, private;
static CK_MECHANISM_TYPE type;
static atomic_ulong total;
static double deadline;

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Signs once, and verifies if told to. */
static CK_RV
sign(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE how, CK_OBJECT_HANDLE priv,
    CK_OBJECT_HANDLE pub)
{
	CK_BYTE rsa[] = SHA256_INFO DIGEST, ec[] = DIGEST, out[512];
	CK_BYTE *data = how == CKM_RSA_PKCS ? rsa : ec;
	CK_ULONG len = how == CKM_RSA_PKCS ? 51 : 32, n = sizeof(out);
	CK_MECHANISM m = { how, NULL, 0 };
	CK_RV rv;

	if ((rv = p11->C_SignInit(s, &m, priv)) != CKR_OK ||
	    (rv = p11->C_Sign(s, data, len, out, &n)) != CKR_OK ||
	    pub == CK_INVALID_HANDLE)
		return rv;
	if ((rv = p11->C_VerifyInit(s, &m, pub)) != CKR_OK)
		return rv;
	return p11->C_Verify(s, data, len, out, n);
}

static void *
signer(void *unused)
{
	CK_SESSION_HANDLE s = p11_session(p11, slot, NULL);
	unsigned long n;

	(void)unused;
	for (n = 0; now() < deadline; n++)
		p11_must(sign(s, type, private, n % 64 == 0 ? public :
		    CK_INVALID_HANDLE), "signing");
	(void)atomic_fetch_add(&total, n);
	return NULL;
}

static void
do_sign(CK_SESSION_HANDLE s, const char *what, double ms, int threads)
{
	pthread_t thread[64];
	double begin, begin_cpu;
	int i;

	type = strcmp(what, "rsa") == 0 ? CKM_RSA_PKCS : CKM_ECDSA;
	p11_must(p11_pair(p11, s, type == CKM_RSA_PKCS ? 2048 : 0, false,
	    &public, &private), "key");
	begin_cpu = cpu();
	begin = now();
	deadline = begin + ms / 1000;
	for (i = 0; i < threads && i < 64; i++)
		if (pthread_create(&thread[i], NULL, signer, NULL) != 0)
			exit(111);
	while (i-- > 0)
		(void)pthread_join(thread[i], NULL);
	(void)printf("%.0f %.0f\n",
	    (double)atomic_load(&total) / (now() - begin),
	    (double)atomic_load(&total) / (cpu() - begin_cpu));
}

static void
do_make(CK_SESSION_HANDLE s, int n)
{
	CK_OBJECT_HANDLE one, two;
	double begin, longest = 0;

	while (n-- > 0) {
		begin = now();
		p11_must(p11_pair(p11, s, 0, true, &one, &two), "key");
		if (now() - begin > longest)
			longest = now() - begin;
	}
	(void)printf("%.0f\n", longest * 1000);
}

static CK_ULONG
find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret,
    CK_ULONG max)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &yes, 1 },
	};
	CK_ULONG n = 0;

	p11_must(p11->C_FindObjectsInit(s, a, 2), "C_FindObjectsInit");
	p11_must(p11->C_FindObjects(s, ret, max, &n), "C_FindObjects");
	p11_must(p11->C_FindObjectsFinal(s), "C_FindObjectsFinal");
	return n;
}

/* The pairs have no names, so each key looks for its other half. */
static void
do_check(CK_SESSION_HANDLE s)
{
	CK_OBJECT_HANDLE pub[512], priv[512];
	CK_ULONG n_pub = find(s, CKO_PUBLIC_KEY, pub, 512), i, j;
	CK_ULONG n_priv = find(s, CKO_PRIVATE_KEY, priv, 512);

	if (n_pub != n_priv) {
		(void)printf("%lu public, %lu private\n", n_pub, n_priv);
		exit(1);
	}
	for (i = 0; i < n_priv; i++) {
		for (j = i; j < n_pub; j++)
			if (sign(s, CKM_ECDSA, priv[i], pub[j]) == CKR_OK)
				break;
		if (j == n_pub) {
			(void)printf("key %lu of %lu has no public one\n",
			    i + 1, n_priv);
			exit(1);
		}
		pub[j] = pub[i];
	}
	(void)printf("%lu\n", n_priv);
}

static void
do_fork(CK_SESSION_HANDLE s, const char *pin)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	int status;
	pid_t pid;

	p11_must(p11_pair(p11, s, 0, false, &public, &private), "key");
	p11_must(sign(s, CKM_ECDSA, private, public), "before");
	if ((pid = fork()) == 0) {
		(void)p11->C_Finalize(NULL);
		p11_must(p11->C_Initialize(&args), "C_Initialize in child");
		slot = p11_slot(p11);
		s = p11_session(p11, slot, pin);
		p11_must(p11_pair(p11, s, 0, false, &public, &private),
		    "key in child");
		p11_must(sign(s, CKM_ECDSA, private, public), "in child");
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		exit(1);
	p11_must(sign(s, CKM_ECDSA, private, public), "after");
}

static void
do_login(CK_SESSION_HANDLE s, const char *pin)
{
	char copy[64];

	(void)snprintf(copy, sizeof(copy), "%s", pin);
	(void)printf("%s\n", p11_name(p11->C_Login(s, CKU_USER,
	    (CK_BYTE_PTR)copy, strlen(copy))));
}

static void
do_change(CK_SESSION_HANDLE s, char *old, char *new)
{
	(void)printf("%s\n", p11_name(p11->C_SetPIN(s, (CK_BYTE_PTR)old,
	    strlen(old), (CK_BYTE_PTR)new, strlen(new))));
}

int
main(int argc, char *argv[])
{
	const char *verb = argc > 3 ? argv[3] : "";
	CK_SESSION_HANDLE s;

	if (argc < 4)
		return 100;
	p11 = p11_open(argv[1]);
	slot = p11_slot(p11);
	s = p11_session(p11, slot, strcmp(verb, "login") == 0 ||
	    strcmp(verb, "change") == 0 ? NULL : argv[2]);
	if (strcmp(verb, "make") == 0 && argc == 5)
		do_make(s, atoi(argv[4]));
	else if (strcmp(verb, "sign") == 0 && argc == 7)
		do_sign(s, argv[4], atof(argv[5]), atoi(argv[6]));
	else if (strcmp(verb, "check") == 0)
		do_check(s);
	else if (strcmp(verb, "fork") == 0)
		do_fork(s, argv[2]);
	else if (strcmp(verb, "login") == 0)
		do_login(s, argv[2]);
	else if (strcmp(verb, "change") == 0 && argc == 5)
		do_change(s, argv[2], argv[4]);
	else
		return 100;
	(void)p11->C_Finalize(NULL);
	return 0;
}
