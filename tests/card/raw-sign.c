/* SPDX-License-Identifier: ISC */
/*
 * raw-sign READER: the least that a signature by a PIV card can cost over
 * PC/SC: context, connect, SELECT, VERIFY (PIN 123456), GENERAL AUTHENTICATE
 * on P-256 in slot 9A.  The floor that make bench compares with.
 */
#include <stdio.h>
#include <string.h>
#include <winscard.h>

static SCARDHANDLE card;

static int
apdu(const unsigned char *cmd, DWORD len)
{
	unsigned char answer[512];
	DWORD got = sizeof(answer);

	if (SCardTransmit(card, SCARD_PCI_T1, cmd, len, NULL, answer, &got) !=
	    SCARD_S_SUCCESS || got < 2)
		return -1;
	return answer[got - 2] == 0x90 || answer[got - 2] == 0x61 ? 0 : -1;
}

int
main(int argc, char *argv[])
{
	static const unsigned char select[] = { 0x00, 0xa4, 0x04, 0x00, 0x05,
	    0xa0, 0x00, 0x00, 0x03, 0x08, 0x00 };
	static const unsigned char verify[] = { 0x00, 0x20, 0x00, 0x80, 0x08,
	    '1', '2', '3', '4', '5', '6', 0xff, 0xff };
	unsigned char sign[5 + 38 + 1] = { 0x00, 0x87, 0x11, 0x9a, 38,
	    0x7c, 36, 0x82, 0x00, 0x81, 32 };
	SCARDCONTEXT ctx;
	DWORD protocol;

	if (argc != 2)
		return 100;
	memset(sign + 11, 0x5a, 32);
	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &ctx) !=
	    SCARD_S_SUCCESS || SCardConnect(ctx, argv[1], SCARD_SHARE_SHARED,
	    SCARD_PROTOCOL_T1, &card, &protocol) != SCARD_S_SUCCESS)
		return 111;
	if (apdu(select, sizeof(select)) == -1 ||
	    apdu(verify, sizeof(verify)) == -1 ||
	    apdu(sign, sizeof(sign)) == -1) {
		fprintf(stderr, "raw-sign: the card refuses\n");
		return 1;
	}
	SCardDisconnect(card, SCARD_RESET_CARD);
	SCardReleaseContext(ctx);
	return 0;
}
