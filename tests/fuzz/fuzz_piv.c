/* SPDX-License-Identifier: ISC */
/*
 * A card that answers whatever the fuzzer says: a byte of length, then that
 * many bytes with the status word, for each command.  All commands are tried.
 */
#include <stdint.h>
#include <string.h>

#include "rm_piv.h"

static const uint8_t *left;
static size_t n_left;

static int
answer(void *arg, const struct rm_apdu *cmd, uint8_t *ret, size_t *len,
    struct rm_err *err)
{
	size_t n;

	(void)arg;
	(void)cmd;
	if (n_left == 0)
		return rm_err_set(err, RM_CODE_CARD_LOST, "gone");
	n = *left++;
	n_left--;
	if (n > n_left)
		n = n_left;
	if (n > *len)
		n = *len;
	memcpy(ret, left, n);
	left += n;
	n_left -= n;
	*len = n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rm_piv piv;
	static const uint8_t digest[32];
	struct rm_cert cert;
	uint8_t sig[RM_PUB_SIG_MAX];
	size_t len;
	int tries;

	piv.transmit = answer;
	left = data;
	n_left = size;
	(void)!rm_piv_read_key(&piv, 0x9a, &cert);
	(void)!rm_piv_select(&piv);
	(void)!rm_piv_tries(&piv, &tries);
	(void)!rm_piv_verify(&piv, "123456", 6);
	(void)!rm_piv_sign(&piv, 0x9a, 0x11, digest, sizeof(digest), sig,
	    &len);
	return 0;
}
