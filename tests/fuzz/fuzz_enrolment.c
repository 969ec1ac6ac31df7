/* SPDX-License-Identifier: ISC */
/* An enrolment comes on a stick from somebody's desk. */
#include <stdlib.h>
#include <string.h>

#include "rm_enrolment.h"
#include "rm_pub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rm_enrolment en;
	const char *why;

	if (rm_enrolment_parse(&en, (const char *)data, len, &why) == -1)
		return 0;
	if (!rm_text_is_name(en.name) || en.sig_len > sizeof(en.sig) ||
	    en.pem + en.pem_len != (const char *)data + len)
		abort();
	rm_pub_free(rm_pub_from_pem(en.pem, en.pem_len, &why));
	return 0;
}
