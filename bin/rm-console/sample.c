/* SPDX-License-Identifier: ISC */
/*
 * Counters, as the kernel, the locks of the service's clients and the tally
 * of the appliance (rm_tally.h) tell them.  Nothing is kept here and nothing
 * wakes up for it: who wants to see a sample takes one.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "monitor.h"
#include "rm_env.h"
#include "rm_lock.h"
#include "rm_num.h"

/* What the kernel's time went to, since it started. */
static void
take_cpu(struct sample *ret)
{
	unsigned long long t[8] = { 0 };
	FILE *f = fopen("/proc/stat", "re");
	size_t i;

	if (f == NULL)
		return;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0],
	    &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) == 8) {
		for (i = 0; i < 8; i++)
			ret->cpu_all += t[i];
		ret->cpu_idle = t[3] + t[4];
	}
	(void)fclose(f);
}

/* What cannot be given to a program that asks for memory now. */
static void
take_memory(struct sample *ret)
{
	unsigned long long n, total = 0, available = 0;
	FILE *f = fopen("/proc/meminfo", "re");
	char key[64];

	if (f == NULL)
		return;
	while (available == 0 && fscanf(f, "%63s %llu kB", key, &n) == 2) {
		if (strcmp(key, "MemTotal:") == 0)
			total = n;
		else if (strcmp(key, "MemAvailable:") == 0)
			available = n;
	}
	(void)fclose(f);
	if (total > 0 && available <= total)
		ret->memory = (unsigned int)((total - available) * 100 /
		    total);
}

/* Each user of the service has a file there, each connection a lock. */
static void
take_sessions(struct sample *ret)
{
	char folder[PATH_MAX], path[2 * PATH_MAX];
	struct dirent *d;
	uint32_t n;
	DIR *dir;

	rm_env_run_path(folder, sizeof(folder), "clients");
	if ((dir = opendir(folder)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder,
		    d->d_name);
		if (d->d_name[0] != '.' && rm_lock_count(&n, path) == 0)
			ret->sessions += n;
	}
	(void)closedir(dir);
}

/* A boot sets counters back; a second that is longer counts as it is. */
static void
compare(struct sample *s, const struct sample *before)
{
	uint64_t ms = (uint64_t)(s->at_ms - before->at_ms);
	uint64_t all = s->cpu_all - before->cpu_all;
	uint64_t idle = s->cpu_idle - before->cpu_idle;
	size_t i;

	if (all > 0 && idle <= all)
		s->cpu = (unsigned int)((all - idle) * 100 / all);
	for (i = 0; i < RM_TALLY_SLOTS && ms > 0; i++)
		if (s->all.n[i] > before->all.n[i])
			s->rate[i] = ((s->all.n[i] - before->all.n[i]) * 1000 +
			    ms / 2) / ms;
}

void
sample_take(struct sample *ret, const struct sample *before)
{
	char path[PATH_MAX];

	memset(ret, 0, sizeof(*ret));
	ret->at_ms = rm_num_now_ms();
	take_cpu(ret);
	take_memory(ret);
	take_sessions(ret);
	rm_env_run_path(path, sizeof(path), "tally");
	if (rm_tally_read(path, &ret->all) == -1)
		memset(&ret->all, 0, sizeof(ret->all));
	if (before->at_ms != 0)
		compare(ret, before);
}
