/* SPDX-License-Identifier: ISC */
/* The only file that knows libqrencode. */
#include "qr.h"

#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

static bool
is_dark(const QRcode *qr, int row, int col)
{
	return row < qr->width && (qr->data[row * qr->width + col] & 1) != 0;
}

/* Two rows in one line: the upper and the lower half of each cell. */
static void
write_line(char *ret, const QRcode *qr, int row)
{
	static const char *const block[] = { " ", "\xe2\x96\x84",
	    "\xe2\x96\x80", "\xe2\x96\x88" };
	int col;

	for (col = 0; col < qr->width; col++)
		ret = stpcpy(ret, block[2 * is_dark(qr, row, col) +
		    is_dark(qr, row + 1, col)]);
}

size_t
qr_make(char ret[][QR_LINE], size_t max, const char *text)
{
	QRcode *qr = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 0);
	size_t n = 0;

	if (qr == NULL)
		return 0;
	if (qr->width * 3 < QR_LINE && (size_t)(qr->width + 1) / 2 <= max)
		for (; (int)n * 2 < qr->width; n++)
			write_line(ret[n], qr, (int)n * 2);
	QRcode_free(qr);
	return n;
}
