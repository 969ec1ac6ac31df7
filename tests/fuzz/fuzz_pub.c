/* SPDX-License-Identifier: ISC */
/* Keys and certificates as a stranger's card or file could hold them. */
#include <stdlib.h>

#include "rm_pub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *why = NULL;
	char cn[33];

	rm_pub_free(rm_pub_from_der(data, len, &why));
	rm_pub_free(rm_pub_from_pem((const char *)data, len, &why));
	rm_pub_free(rm_pub_from_cert_der(data, len, cn, sizeof(cn), &why));
	if (why == NULL)
		abort();
	return 0;
}
