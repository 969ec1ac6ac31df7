/* SPDX-License-Identifier: ISC */
/* Numbers from command lines and files: strict, whole, in range. */
#include "rm_num.h"

#include <string.h>
#include <time.h>

int
rm_num_u64(uint64_t *ret_n, const char *s, uint64_t min, uint64_t max)
{
	uint64_t n = 0;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (n > (UINT64_MAX - (uint64_t)(*s - '0')) / 10)
			return -1;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	if (n < min || n > max)
		return -1;
	*ret_n = n;
	return 0;
}

int
rm_num_u32(uint32_t *ret_n, const char *s, uint32_t min, uint32_t max)
{
	uint64_t n;

	if (rm_num_u64(&n, s, min, max) == -1)
		return -1;
	*ret_n = (uint32_t)n;
	return 0;
}

int
rm_num_ms(uint32_t *ret_ms, const char *s, uint32_t max_ms)
{
	const char *dot = strchr(s, '.');
	char whole[16];
	uint64_t sec, ms = 0, unit = 100;
	size_t len = dot != NULL ? (size_t)(dot - s) : strlen(s);

	if (len >= sizeof(whole))
		return -1;
	memcpy(whole, s, len);
	whole[len] = '\0';
	if (rm_num_u64(&sec, whole, 0, UINT32_MAX / 1000) == -1)
		return -1;
	if (dot != NULL && dot[1] == '\0')
		return -1;
	for (s = dot != NULL ? dot + 1 : ""; *s != '\0'; s++, unit /= 10) {
		if (*s < '0' || *s > '9' || unit == 0)
			return -1;
		ms += (uint64_t)(*s - '0') * unit;
	}
	ms += sec * 1000;
	if (ms < 1 || ms > max_ms)
		return -1;
	*ret_ms = (uint32_t)ms;
	return 0;
}

int64_t
rm_num_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
