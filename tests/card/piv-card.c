/* SPDX-License-Identifier: ISC */
/*
 * piv-card: put a PIV card into a virtual reader, for tests.
 * The card is a TCP client of the reader (vsmartcard's vpcd): a connection is
 * an inserted card, its end is the card's removal.  Frames are a two-byte
 * length and a body; a body of one byte is the reader's own word (power, ATR).
 * The card leaves at SIGTERM, and when the reader has gone.  It never prints
 * or logs a PIN.  The PIN on its command line is a test's, worth nothing.
 * Example: piv-card -k 9a=alice.key -c 9a=alice.crt -p 123456 35963
 */
#include "piv-card.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { POWER_OFF = 0, POWER_ON = 1, RESET = 2, GET_ATR = 4 };

static const struct {
	const char	*name;
	unsigned	 fault;
} faults[] = {
	{ "bad-tlv", FAULT_BAD_TLV },
	{ "blocked", FAULT_BLOCKED },
	{ "huge-object", FAULT_HUGE_OBJECT },
	{ "mute", FAULT_MUTE },
	{ "mute-on-sign", FAULT_MUTE_ON_SIGN },
	{ "pulled-on-sign", FAULT_PULLED_ON_SIGN },
	{ "slow", FAULT_SLOW },
	{ "wrong-length", FAULT_WRONG_LENGTH },
	{ "wrong-signature", FAULT_WRONG_SIGNATURE }
};

/* T=0 and T=1; A's capabilities: chaining, extended lengths. */
static const uint8_t atr_a[] = {
	0x3b, 0x8a, 0x80, 0x01, 0x80, 0x73, 0x00, 0x21, 0xc0, 0x54, 'P', 'I',
	'V', 'A', 0x00
};
static const uint8_t atr_b[] = {
	0x3b, 0x86, 0x80, 0x01, 0x80, 0x54, 'P', 'I', 'V', 'B', 0x00
};

static struct card card;
static int ready = -1;
static volatile sig_atomic_t removed;

static void
usage(void)
{
	(void)fprintf(stderr, "usage: piv-card [-P A|B] [-R fd] "
	    "[-c slot=cert.pem] [-f fault]\n"
	    "                [-k slot=key.pem] [-l log] [-p pin] [-s state] "
	    "[-t tries]\n"
	    "                [-z slot=cert.der.gz] port\n");
	exit(100);
}

static void
on_term(int sig)
{
	(void)sig;
	removed = 1;
}

static unsigned
number(const char *s, unsigned max)
{
	char *end;
	unsigned long n;

	n = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end != '\0' || n > max)
		errx(100, "bad number %s", s);
	return (unsigned)n;
}

/* "9a=FILE": the slot, and where FILE begins. */
static struct card_slot *
slot_arg(const char *arg, const char **ret_path)
{
	struct card_slot *slot;
	unsigned long id;
	char *end;

	id = strtoul(arg, &end, 16);
	if (*end != '=' || (slot = card_slot(&card, (unsigned)id)) == NULL)
		errx(100, "bad slot %s", arg);
	*ret_path = end + 1;
	return slot;
}

static void
file_load(const char *path, struct buf *ret)
{
	uint8_t part[4096];
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		err(111, "unable to open %s", path);
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(ret, part, (size_t)n);
	if (n == -1)
		err(111, "unable to read %s", path);
	(void)close(fd);
}

static unsigned
fault_arg(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(name, faults[i].name) == 0)
			return faults[i].fault;
	errx(100, "unknown fault %s", name);
}

static void
pin_set(const char *pin)
{
	size_t len;

	if ((len = strlen(pin)) > CARD_PIN_LEN)
		errx(100, "a PIN has at most %d digits", CARD_PIN_LEN);
	memset(card.pin, 0xff, CARD_PIN_LEN);
	memcpy(card.pin, pin, len);
}

static void
parse_option(int letter, const char *arg)
{
	struct card_slot *slot;
	const char *path;

	switch (letter) {
	case 'P':
		if (strcmp(arg, "A") != 0 && strcmp(arg, "B") != 0)
			usage();
		card.kind = *arg == 'A' ? CARD_A : CARD_B;
		break;
	case 'R':
		ready = (int)number(arg, 1023);
		break;
	case 'c':
	case 'z':
		slot = slot_arg(arg, &path);
		buf_free(&slot->cert);
		slot->gzipped = letter == 'z';
		if (slot->gzipped)
			file_load(path, &slot->cert);
		else
			cert_load(path, &slot->cert);
		break;
	case 'f':
		card.faults |= fault_arg(arg);
		break;
	case 'k':
		slot = slot_arg(arg, &path);
		slot->key = key_load(path);
		break;
	case 'l':
		card.log = open(arg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		    0600);
		if (card.log == -1)
			err(111, "unable to open %s", arg);
		break;
	case 'p':
		pin_set(arg);
		break;
	case 's':
		card.state = arg;
		break;
	case 't':
		card.tries_max = number(arg, 15);
		break;
	default:
		usage();
	}
}

/* A card remembers its tries for as long as its state file lives. */
static void
tries_load(void)
{
	struct buf text = {0};

	if (card.tries_max == 0)
		card.tries_max = card.kind == CARD_A ? 3 : 5;
	card.tries = card.tries_max;
	if (card.state != NULL && access(card.state, F_OK) == 0) {
		file_load(card.state, &text);
		buf_byte(&text, '\0');
		text.p[strcspn((char *)text.p, "\n")] = '\0';
		card.tries = number((char *)text.p, 15);
		buf_free(&text);
	}
	if (card.faults & FAULT_BLOCKED)
		card.tries = 0;
}

static int
plug_in(unsigned port)
{
	struct sockaddr_in reader = { .sin_family = AF_INET };
	int s;

	reader.sin_port = htons((uint16_t)port);
	reader.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(s, (struct sockaddr *)&reader, sizeof(reader)) == -1)
		err(111, "unable to connect to the reader at port %u", port);
	return s;
}

/* false: the reader has gone. */
static bool
receive(int s, uint8_t *p, size_t len)
{
	static const int on = 1;
	ssize_t n;

	while (len != 0) {
		/* The reader sends in two writes: never keep it waiting. */
		if (!(card.faults & FAULT_SLOW))
			(void)setsockopt(s, IPPROTO_TCP, TCP_QUICKACK, &on,
			    sizeof(on));
		if ((n = recv(s, p, len, 0)) == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
transmit(int s, const uint8_t *p, size_t len)
{
	uint8_t frame[2 + CARD_FRAME_MAX];

	frame[0] = (uint8_t)(len >> 8);
	frame[1] = (uint8_t)len;
	memcpy(frame + 2, p, len);
	len += 2;
	return send(s, frame, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool
control(int s, uint8_t word)
{
	uint8_t atr[sizeof(atr_a)];
	size_t i, len;

	if (word != GET_ATR) {
		card_reset(&card);
		return true;
	}
	len = card.kind == CARD_A ? sizeof(atr_a) : sizeof(atr_b);
	memcpy(atr, card.kind == CARD_A ? atr_a : atr_b, len);
	for (i = 1; i < len - 1; i++)
		atr[len - 1] ^= atr[i];
	if (ready != -1) {
		(void)dprintf(ready, "inserted\n");
		(void)close(ready);
		ready = -1;
	}
	return transmit(s, atr, len);
}

/* Until removed, or until the reader has gone. */
static void
serve(int s, const sigset_t *unblocked)
{
	static uint8_t body[CARD_FRAME_MAX];
	struct pollfd plug = { .fd = s, .events = POLLIN };
	struct buf answer = {0};
	uint8_t head[2];
	size_t len;
	bool on;

	for (on = true; on;) {
		if (ppoll(&plug, 1, NULL, unblocked) == -1) {
			if (errno != EINTR)
				err(111, "unable to poll");
			if (removed)
				break;
			continue;
		}
		if (!receive(s, head, sizeof(head)))
			break;
		len = (size_t)head[0] << 8 | head[1];
		if (!receive(s, body, len))
			break;
		if (len == 1)
			on = control(s, body[0]);
		else if (len > 1) {
			card_command(&card, body, len, &answer);
			on = !card.gone;
			if (on && answer.len != 0)
				on = transmit(s, answer.p, answer.len);
		}
	}
	buf_free(&answer);
}

int
main(int argc, char *argv[])
{
	struct sigaction term = { .sa_handler = on_term };
	sigset_t blocked, unblocked;
	int letter, s;

	card.log = -1;
	pin_set("123456");
	while ((letter = getopt(argc, argv, "P:R:c:f:k:l:p:s:t:z:")) != -1)
		parse_option(letter, optarg);
	if (argc - optind != 1)
		usage();
	tries_load();
	card_reset(&card);

	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &blocked, &unblocked);
	(void)sigdelset(&unblocked, SIGTERM);
	(void)sigaction(SIGTERM, &term, NULL);

	s = plug_in(number(argv[optind], 65535));
	serve(s, &unblocked);
	(void)close(s);
	return 0;
}
