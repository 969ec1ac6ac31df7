/* SPDX-License-Identifier: ISC */
/*
 * Giving up root.  The order matters: groups can only be changed while we
 * are still root.  No step is believed: the kernel is asked afterwards.
 */
#include "rm_drop.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

int
rm_drop_find(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *pw;

	errno = 0;
	if ((pw = getpwnam(user)) == NULL) {
		if (errno == 0)
			errno = ENOENT;
		return -1;
	}
	*ret_uid = pw->pw_uid;
	*ret_gid = pw->pw_gid;
	return 0;
}

int
rm_drop_to(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (geteuid() == 0 && (setgroups(0, NULL) == -1 ||
	    setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1))
		return -1;
	if (getresuid(&r, &e, &s) == -1 || getresgid(&rg, &eg, &sg) == -1)
		return -1;
	if (uid == 0 || r != uid || e != uid || s != uid || rg != gid ||
	    eg != gid || sg != gid || setuid(0) != -1 || setgid(0) != -1) {
		errno = EPERM;
		return -1;
	}
	return 0;
}
