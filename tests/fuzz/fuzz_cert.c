/* SPDX-License-Identifier: ISC */
/* The front of a certificate, and a signature's template. */
#include <stdint.h>

#include "rm_apdu.h"
#include "rm_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rm_cert cert;
	struct rm_tlv sig;

	if (rm_cert_parse(&cert, data, size) == 0 &&
	    (cert.spki < data || cert.spki + cert.spki_len > data + size))
		__builtin_trap();
	if (rm_apdu_signature(data, size, &sig) == 0 &&
	    (sig.p < data || sig.p + sig.left > data + size))
		__builtin_trap();
	return 0;
}
