/* SPDX-License-Identifier: ISC */
/*
 * PC/SC, as PCSC lite has it: the one file that knows its names.
 *
 * MUST: one transaction from SELECT to the last command, or another program's
 * commands would come in between.
 * MUST: the reset at the end happens inside the transaction.  A card keeps its
 * verified state beyond our connection, and whoever came next could sign.
 */
#include "rm_pcsc.h"

#include <stdlib.h>
#include <string.h>
#include <winscard.h>

/* The service's name for "a reader came or went". */
#define NEWS_OF_READERS	"\\\\?PnP?\\Notification"

struct rm_pcsc {
	SCARDCONTEXT context;
	SCARDHANDLE card;
	DWORD protocol;
	bool connected;
	bool was_reset;
	size_t n_readers;		/* when they were listed */
	char reader[RM_PCSC_NAME_MAX];
};

/* What an error of the service means to a person. */
static int
explain(const struct rm_pcsc *pcsc, LONG rv, struct rm_err *err)
{
	switch (rv) {
	case SCARD_E_NO_SERVICE:
	case SCARD_E_SERVICE_STOPPED:
		return rm_err_set(err, RM_CODE_NO_READER,
		    "the PC/SC service (pcscd) does not run");
	case SCARD_E_NO_READERS_AVAILABLE:
		return rm_err_set(err, RM_CODE_NO_READER, "no card reader");
	case SCARD_E_UNKNOWN_READER:
	case SCARD_E_READER_UNAVAILABLE:
		return rm_err_set(err, RM_CODE_CARD_LOST,
		    "%s was unplugged", pcsc->reader);
	case SCARD_E_NO_SMARTCARD:
	case SCARD_W_REMOVED_CARD:
		return rm_err_set(err, RM_CODE_CARD_LOST,
		    "the card in %s was pulled out", pcsc->reader);
	case SCARD_W_RESET_CARD:
		return rm_err_set(err, RM_CODE_CARD_LOST,
		    "the card in %s was reset by another program",
		    pcsc->reader);
	case SCARD_W_UNRESPONSIVE_CARD:
	case SCARD_W_UNPOWERED_CARD:
		return rm_err_set(err, RM_CODE_CARD_LOST,
		    "the card in %s does not answer", pcsc->reader);
	case SCARD_E_SHARING_VIOLATION:
		return rm_err_set(err, RM_CODE_SYSTEM,
		    "another program keeps the card in %s for itself",
		    pcsc->reader);
	case SCARD_W_SECURITY_VIOLATION:
		return rm_err_set(err, RM_CODE_SYSTEM,
		    "the PC/SC service does not let this user in");
	}
	return rm_err_set(err, pcsc->connected ? RM_CODE_CARD_LOST :
	    RM_CODE_SYSTEM, "PC/SC, %s: %s", pcsc->reader,
	    pcsc_stringify_error(rv));
}

int
rm_pcsc_open(struct rm_pcsc **ret, struct rm_err *err)
{
	struct rm_pcsc *pcsc;
	LONG rv;

	if ((pcsc = calloc(1, sizeof(*pcsc))) == NULL)
		return rm_err_set(err, RM_CODE_SYSTEM, "out of memory");
	rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL,
	    &pcsc->context);
	if (rv != SCARD_S_SUCCESS) {
		(void)explain(pcsc, rv, err);
		free(pcsc);
		return -1;
	}
	*ret = pcsc;
	return 0;
}

void
rm_pcsc_close(struct rm_pcsc *pcsc)
{
	if (pcsc == NULL)
		return;
	rm_pcsc_end(pcsc, true);
	(void)SCardReleaseContext(pcsc->context);
	free(pcsc);
}

static int
by_name(const void *a, const void *b)
{
	const struct rm_pcsc_reader *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* How the readers of a list are now: the service's order is the disk's. */
static int
look(struct rm_pcsc *pcsc, struct rm_pcsc_reader *readers, size_t n,
    struct rm_err *err)
{
	SCARD_READERSTATE states[RM_PCSC_READERS_MAX] = { 0 };
	bool there;
	size_t i;
	LONG rv;

	for (i = 0; i < n; i++)
		states[i].szReader = readers[i].name;
	rv = SCardGetStatusChange(pcsc->context, 0, states, (DWORD)n);
	if (rv != SCARD_S_SUCCESS && rv != SCARD_E_TIMEOUT)
		return explain(pcsc, rv, err);
	for (i = 0; i < n; i++) {
		readers[i].state = states[i].dwEventState &
		    ~(unsigned long)SCARD_STATE_CHANGED;
		there = (readers[i].state & SCARD_STATE_PRESENT) != 0;
		/* So is one just put in, for a moment, until it has power. */
		readers[i].mute = there &&
		    (readers[i].state & SCARD_STATE_MUTE) != 0;
		readers[i].present = there && !readers[i].mute;
	}
	qsort(readers, n, sizeof(*readers), by_name);
	return 0;
}

int
rm_pcsc_readers(struct rm_pcsc *pcsc,
    struct rm_pcsc_reader ret[static RM_PCSC_READERS_MAX], size_t *ret_n,
    struct rm_err *err)
{
	char names[RM_PCSC_READERS_MAX * RM_PCSC_NAME_MAX + 1] = "";
	DWORD size = sizeof(names) - 1;
	const char *p;
	size_t n = 0;
	LONG rv;

	rv = SCardListReaders(pcsc->context, NULL, names, &size);
	if (rv == SCARD_E_NO_READERS_AVAILABLE) {
		*ret_n = pcsc->n_readers = 0;
		return 0;
	}
	if (rv != SCARD_S_SUCCESS)
		return explain(pcsc, rv, err);
	/* Names, each ended by a NUL, and an empty one. */
	for (p = names; *p != '\0' && n < RM_PCSC_READERS_MAX;
	    p += strlen(p) + 1, n++) {
		if (strlen(p) >= sizeof(ret[n].name))
			return rm_err_set(err, RM_CODE_SYSTEM,
			    "the name of a reader is too long");
		(void)memccpy(ret[n].name, p, '\0', sizeof(ret[n].name));
	}
	if (look(pcsc, ret, n, err) == -1)
		return -1;
	*ret_n = pcsc->n_readers = n;
	return 0;
}

int
rm_pcsc_wait(struct rm_pcsc *pcsc, const struct rm_pcsc_reader *readers,
    size_t n, uint32_t ms, struct rm_err *err)
{
	SCARD_READERSTATE states[RM_PCSC_READERS_MAX + 1] = { 0 };
	size_t i;
	LONG rv;

	for (i = 0; i < n; i++) {
		states[i].szReader = readers[i].name;
		states[i].dwCurrentState = readers[i].state;
	}
	states[n].szReader = NEWS_OF_READERS;
	states[n].dwCurrentState = (DWORD)pcsc->n_readers << 16;
	rv = SCardGetStatusChange(pcsc->context, ms, states, (DWORD)n + 1);
	/* A reader that has gone meanwhile is news, too. */
	if (rv == SCARD_S_SUCCESS || rv == SCARD_E_TIMEOUT ||
	    rv == SCARD_E_UNKNOWN_READER)
		return 0;
	return explain(pcsc, rv, err);
}

int
rm_pcsc_begin(struct rm_pcsc *pcsc, const char *reader, struct rm_err *err)
{
	LONG rv;

	rm_pcsc_end(pcsc, false);
	pcsc->was_reset = false;
	(void)stpncpy(pcsc->reader, reader, sizeof(pcsc->reader) - 1);
	rv = SCardConnect(pcsc->context, pcsc->reader, SCARD_SHARE_SHARED,
	    SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &pcsc->card,
	    &pcsc->protocol);
	if (rv != SCARD_S_SUCCESS)
		return explain(pcsc, rv, err);
	pcsc->connected = true;
	rv = SCardBeginTransaction(pcsc->card);
	if (rv == SCARD_W_RESET_CARD) {
		/* Between the two: nothing was lost that we had. */
		rv = SCardReconnect(pcsc->card, SCARD_SHARE_SHARED,
		    SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD,
		    &pcsc->protocol);
		if (rv == SCARD_S_SUCCESS)
			rv = SCardBeginTransaction(pcsc->card);
	}
	if (rv == SCARD_S_SUCCESS)
		return 0;
	(void)explain(pcsc, rv, err);
	(void)SCardDisconnect(pcsc->card, SCARD_LEAVE_CARD);
	pcsc->connected = false;
	return -1;
}

void
rm_pcsc_end(struct rm_pcsc *pcsc, bool reset)
{
	if (!pcsc->connected)
		return;
	(void)SCardEndTransaction(pcsc->card,
	    reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
	(void)SCardDisconnect(pcsc->card, SCARD_LEAVE_CARD);
	pcsc->connected = false;
}

int
rm_pcsc_check(struct rm_pcsc *pcsc, struct rm_err *err)
{
	LONG rv;

	rv = SCardStatus(pcsc->card, NULL, NULL, NULL, NULL, NULL, NULL);
	pcsc->was_reset = rv == SCARD_W_RESET_CARD;
	return rv == SCARD_S_SUCCESS ? 0 : explain(pcsc, rv, err);
}

bool
rm_pcsc_was_reset(const struct rm_pcsc *pcsc)
{
	return pcsc->was_reset;
}

int
rm_pcsc_transmit(void *arg, const struct rm_apdu *cmd, uint8_t *ret,
    size_t *len, struct rm_err *err)
{
	struct rm_pcsc *pcsc = arg;
	const SCARD_IO_REQUEST *pci = SCARD_PCI_T1;
	DWORD cmd_len = (DWORD)cmd->len, ret_len = (DWORD)*len;
	LONG rv;

	if (pcsc->protocol == SCARD_PROTOCOL_T0) {
		pci = SCARD_PCI_T0;
		/* T=0 has no command with both data and Le: 61xx follows. */
		if (cmd->len > 5 && cmd->len > 5u + cmd->bytes[4])
			cmd_len--;
	}
	rv = SCardTransmit(pcsc->card, pci, cmd->bytes, cmd_len, NULL, ret,
	    &ret_len);
	pcsc->was_reset = rv == SCARD_W_RESET_CARD;
	if (rv != SCARD_S_SUCCESS)
		return explain(pcsc, rv, err);
	*len = ret_len;
	return 0;
}
