/* SPDX-License-Identifier: ISC */
/*
 * Wrong PINs, counted for each token in a file of the partition:
 *
 *	user 3
 *	so 0
 *
 * A try is counted, durably, before the engine is asked, and taken back when
 * it was not a wrong one: who pulls the plug in between has had his try.  At
 * seven the engine is not asked any more.  A right PIN begins anew; so does a
 * new PIN from the security officer, and whoever removes the file.  The
 * counter is locked over all this, so that many connections have seven tries
 * together.  No PIN is kept, copied or logged here.
 */
#include "gate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "rm_io.h"

#define TRIES		7
#define SERIAL		16	/* bytes, in CK_TOKEN_INFO */
#define FILE_BYTES	32

enum who { USER, SO };

/* One token's counter; between open and close nobody else has it. */
struct counter {
	int lock;
	unsigned int wrong[2];		/* by enum who */
	char path[PATH_MAX];
};

/* The counter's name is the token's serial number, fit for a file. */
static void
name_counter(struct counter *c, const CK_TOKEN_INFO *info)
{
	char name[SERIAL * 3 + 1], *p = name;
	size_t i, len = SERIAL;

	while (len > 0 && info->serialNumber[len - 1] == ' ')
		len--;
	for (i = 0; i < len; i++)
		if (isalnum(info->serialNumber[i]))
			*p++ = (char)info->serialNumber[i];
		else
			p += snprintf(p, 4, "%%%02X", info->serialNumber[i]);
	*p = '\0';
	(void)snprintf(c->path, sizeof(c->path), "%s/pin.%s", gate.state,
	    name);
}

static int
format(char text[FILE_BYTES], unsigned int user, unsigned int so)
{
	return snprintf(text, FILE_BYTES, "user %u\nso %u\n", user, so);
}

/* Exactly what format() writes is understood; no file is no wrong PIN. */
static CK_RV
read_counter(struct counter *c)
{
	char text[FILE_BYTES], want[FILE_BYTES];
	unsigned int i;

	c->wrong[USER] = c->wrong[SO] = 0;
	if (rm_io_load_owned(c->path, 077, text, sizeof(text)) == -1) {
		if (errno == ENOENT)
			return CKR_OK;
		rm_warn("unable to read %s", c->path);
		return CKR_DEVICE_ERROR;
	}
	for (i = 0; i < (TRIES + 1) * (TRIES + 1); i++) {
		(void)format(want, i / (TRIES + 1), i % (TRIES + 1));
		if (strcmp(text, want) != 0)
			continue;
		c->wrong[USER] = i / (TRIES + 1);
		c->wrong[SO] = i % (TRIES + 1);
		return CKR_OK;
	}
	rm_warnx("%s is not a counter of PINs: remove it to begin anew",
	    c->path);
	return CKR_DEVICE_ERROR;
}

static CK_RV
write_counter(const struct counter *c, bool durable)
{
	char text[FILE_BYTES];
	int len = format(text, c->wrong[USER], c->wrong[SO]);

	if (rm_io_replace(c->path, text, (size_t)len, 0600, durable) == 0)
		return CKR_OK;
	rm_warn("unable to write %s", c->path);
	return CKR_DEVICE_ERROR;
}

/* One lock for all tokens of the partition: there is one. */
static CK_RV
open_counter(struct counter *c, const CK_TOKEN_INFO *info)
{
	if ((c->lock = gate_lock("pin.lock", LOCK_EX)) == -1)
		return CKR_DEVICE_ERROR;
	name_counter(c, info);
	if (read_counter(c) == CKR_OK)
		return CKR_OK;
	(void)close(c->lock);
	return CKR_DEVICE_ERROR;
}

/* Counts a try; the counter stays open if the answer is CKR_OK. */
static CK_RV
count_try(struct counter *c, CK_SLOT_ID slot, enum who who)
{
	CK_TOKEN_INFO info;
	CK_RV rv;

	if ((rv = gate_token_info(slot, &info)) != CKR_OK ||
	    (rv = open_counter(c, &info)) != CKR_OK)
		return rv;
	rv = CKR_PIN_LOCKED;
	if (c->wrong[who] < TRIES) {
		c->wrong[who]++;
		rv = write_counter(c, true);
	}
	if (rv != CKR_OK)
		(void)close(c->lock);
	return rv;
}

/* The engine's answer settles what the try was; returns that answer. */
static CK_RV
settle(struct counter *c, enum who who, CK_RV rv)
{
	if (rv == CKR_PIN_INCORRECT) {
		rm_warnx("wrong %s PIN, %u of %d tries",
		    who == USER ? "user" : "security officer's",
		    c->wrong[who], TRIES);
	} else {
		c->wrong[who] = rv == CKR_OK ? 0 : c->wrong[who] - 1;
		/* If it is lost, the next right PIN writes it again. */
		(void)write_counter(c, false);
	}
	(void)close(c->lock);
	return rv;
}

/* The token of a session, and whose PIN its calls are about. */
static CK_RV
find_session(CK_SESSION_HANDLE session, CK_SLOT_ID *ret_slot,
    enum who *ret_who)
{
	CK_SESSION_INFO info;
	CK_RV rv;

	if ((rv = gate.engine->C_GetSessionInfo(session, &info)) != CKR_OK)
		return rv;
	*ret_slot = info.slotID;
	*ret_who = info.state == CKS_RW_SO_FUNCTIONS ? SO : USER;
	return CKR_OK;
}

/* Even a log-in that fails changes the token's own record. */
static CK_RV
login(CK_SESSION_HANDLE session, CK_USER_TYPE type, CK_BYTE_PTR pin,
    CK_ULONG len)
{
	struct gate_write w;
	struct counter c;
	CK_SLOT_ID slot;
	enum who who;
	CK_RV rv;

	if ((rv = find_session(session, &slot, &who)) != CKR_OK)
		return rv;
	/* CKU_CONTEXT_SPECIFIC is the PIN of who is logged in. */
	if (type == CKU_SO)
		who = SO;
	else if (type == CKU_USER)
		who = USER;
	if ((rv = count_try(&c, slot, who)) != CKR_OK)
		return rv;
	rv = gate_write_begin(&w, GATE_CHANGES);
	if (rv == CKR_OK)
		rv = gate_write_end(&w, gate.engine->C_Login(session, type,
		    pin, len));
	return settle(&c, who, rv);
}

static CK_RV
set_pin(CK_SESSION_HANDLE session, CK_BYTE_PTR old, CK_ULONG old_len,
    CK_BYTE_PTR new, CK_ULONG new_len)
{
	struct gate_write w;
	struct counter c;
	CK_SLOT_ID slot;
	enum who who;
	CK_RV rv;

	if ((rv = find_session(session, &slot, &who)) != CKR_OK ||
	    (rv = count_try(&c, slot, who)) != CKR_OK)
		return rv;
	rv = gate_write_begin(&w, GATE_CHANGES);
	if (rv == CKR_OK)
		rv = gate_write_end(&w, gate.engine->C_SetPIN(session, old,
		    old_len, new, new_len));
	return settle(&c, who, rv);
}

static CK_RV
init_pin(CK_SESSION_HANDLE session, CK_BYTE_PTR pin, CK_ULONG len)
{
	struct gate_write w;
	struct counter c;
	CK_TOKEN_INFO info;
	CK_SLOT_ID slot;
	enum who who;
	CK_RV rv;

	if ((rv = find_session(session, &slot, &who)) != CKR_OK ||
	    (rv = gate_token_info(slot, &info)) != CKR_OK ||
	    (rv = open_counter(&c, &info)) != CKR_OK)
		return rv;
	rv = gate_write_begin(&w, GATE_CHANGES);
	if (rv == CKR_OK)
		rv = gate_write_end(&w, gate.engine->C_InitPIN(session, pin,
		    len));
	if (rv == CKR_OK) {
		c.wrong[USER] = 0;
		rv = write_counter(&c, true);
	}
	(void)close(c.lock);
	return rv;
}

/* A token that has been made before asks for its security officer's PIN. */
static CK_RV
init_token(CK_SLOT_ID slot, CK_BYTE_PTR pin, CK_ULONG len, CK_BYTE_PTR label)
{
	struct gate_write w;
	struct counter c;
	CK_TOKEN_INFO info;
	bool old;
	CK_RV rv;

	if ((rv = gate_token_info(slot, &info)) != CKR_OK)
		return rv;
	old = (info.flags & CKF_TOKEN_INITIALIZED) != 0;
	if (old && (rv = count_try(&c, slot, SO)) != CKR_OK)
		return rv;
	rv = gate_write_begin(&w, GATE_CHANGES);
	if (rv == CKR_OK)
		rv = gate_write_end(&w, gate.engine->C_InitToken(slot, pin,
		    len, label));
	if (!old)
		return rv;
	if (rv == CKR_OK)
		c.wrong[USER] = 0;
	return settle(&c, SO, rv);
}

/* What the engine says of its PINs, and what its clients have tried. */
static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
	static const CK_FLAGS flags[2][3] = {
		{ CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY,
		    CKF_USER_PIN_LOCKED },
		{ CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY,
		    CKF_SO_PIN_LOCKED },
	};
	struct counter c;
	enum who who;
	CK_RV rv;

	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	if ((rv = gate_token_info(slot, info)) != CKR_OK)
		return rv;
	name_counter(&c, info);
	/* A rename makes the file: it is whole without the lock. */
	if (read_counter(&c) != CKR_OK)
		c.wrong[USER] = c.wrong[SO] = TRIES;
	for (who = USER; who <= SO; who++) {
		if (c.wrong[who] > 0)
			info->flags |= flags[who][0];
		if (c.wrong[who] == TRIES - 1)
			info->flags |= flags[who][1];
		if (c.wrong[who] == TRIES)
			info->flags |= flags[who][2];
	}
	return CKR_OK;
}

void
gate_pin_install(CK_FUNCTION_LIST_PTR list)
{
	list->C_Login = login;
	list->C_SetPIN = set_pin;
	list->C_InitPIN = init_pin;
	list->C_InitToken = init_token;
	list->C_GetTokenInfo = get_token_info;
}
