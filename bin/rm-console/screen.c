/* SPDX-License-Identifier: ISC */
/*
 * Drawing, by newt.  Its library has a habit that a console cannot have:
 * every new window throws away what was typed.  So it never gets the
 * terminal: the console reads that itself, looks at every byte first, and
 * hands on to a menu what is meant for it, through a pipe.
 */
#include <fcntl.h>
#include <locale.h>
#include <newt.h>
#include <poll.h>
#include <slang.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "console.h"
#include "rm_io.h"

#define MARGIN	8		/* cells around a window, both ways */

static struct {
	int tty, feed, slang_tty;
	bool drawing;
	struct termios before;
	newtComponent form, list;
	size_t n;
} s = { .tty = -1 };

/* Every byte is a byte: none stops, interrupts, or is kept for a line. */
static void
make_raw(void)
{
	struct termios t;

	if (tcgetattr(s.tty, &t) == -1)
		return;
	t.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | ISTRIP | IXON);
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	/* Now, and with what was typed before. */
	(void)tcsetattr(s.tty, TCSANOW, &t);
}

static void
start_newt(void)
{
	int pipe_ends[2];

	if (pipe2(pipe_ends, O_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	if (newtInit() != 0)
		diex(RM_EXIT_USAGE, "unable to draw on this terminal");
	s.drawing = true;
	newtCls();
	make_raw();
	s.slang_tty = SLang_TT_Read_FD;
	SLang_TT_Read_FD = pipe_ends[0];
	s.feed = pipe_ends[1];
	/* newt waits on 0 and reads what slang reads: the same from now on. */
	if (dup2(pipe_ends[0], 0) == -1)
		die(RM_EXIT_SYSTEM, "unable to redirect standard input");
}

int
screen_open(void)
{
	/* The supervisor speaks C; a console draws lines and arrows. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		(void)setlocale(LC_CTYPE, "C");
	if (getenv("TERM") == NULL)
		diex(RM_EXIT_USAGE, "TERM is not set");
	s.tty = fcntl(0, F_DUPFD_CLOEXEC, 3);
	if (s.tty == -1 || tcgetattr(s.tty, &s.before) == -1)
		diex(RM_EXIT_USAGE, "standard input is no terminal: "
		    "try --plain");
	make_raw();
	return s.tty;
}

void
screen_close(void)
{
	if (s.tty == -1)
		return;
	if (s.drawing) {
		SLang_TT_Read_FD = s.slang_tty;
		newtFinished();
	}
	(void)tcsetattr(s.tty, TCSANOW, &s.before);
	s.tty = -1;
}

bool
screen_pending(void)
{
	struct pollfd fd = { .fd = s.tty, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void
drop_window(void)
{
	if (s.form == NULL)
		return;
	newtFormDestroy(s.form);
	newtPopWindowNoRefresh();
	s.form = s.list = NULL;
}

void
screen_resize(void)
{
	if (!s.drawing)
		return;
	drop_window();
	newtResizeScreen(0);
	(void)SLsmg_reinit_smg();	/* which newt leaves to others */
	newtCls();
}

/* Cells that a line of UTF-8 takes; ours has no wide characters. */
static int
cells(const char *line)
{
	int n = 0;

	for (; *line != '\0' && *line != '\n'; line++)
		if ((*line & 0xc0) != 0x80)
			n++;
	return n;
}

/* The room that text takes when it is broken at max cells. */
static void
measure(const char *text, int max, int *ret_width, int *ret_height)
{
	int n;

	for (; text != NULL && *text != '\0'; (*ret_height)++) {
		n = cells(text);
		*ret_height += n / (max + 1);
		n = n > max ? max : n;
		*ret_width = n > *ret_width ? n : *ret_width;
		if ((text = strchr(text, '\n')) != NULL)
			text++;
	}
}

static void
draw_root(const char *root, const char *left, const char *right, int cols)
{
	char line[512];
	int gap = cols - cells(left) - cells(right) - 1;

	(void)snprintf(line, sizeof(line), "%-*s", cols, root);
	newtDrawRootText(0, 0, line);
	(void)snprintf(line, sizeof(line), "%s%*s%s", left, gap > 1 ? gap : 1,
	    "", right);
	newtPopHelpLine();
	newtPushHelpLine(line);
}

static void
fill_window(const struct window *w, int width, int text_height, size_t choice)
{
	newtComponent box;
	size_t i;

	s.form = newtForm(NULL, NULL, 0);
	if (w->text != NULL) {
		box = newtTextbox(1, 0, width, text_height, NEWT_FLAG_WRAP);
		newtTextboxSetText(box, w->text);
		newtFormAddComponent(s.form, box);
	}
	if ((s.n = w->n) == 0) {
		newtDrawForm(s.form);
		return;
	}
	s.list = newtListbox(1, w->text != NULL ? text_height + 1 : 0,
	    (int)w->n, NEWT_FLAG_RETURNEXIT);
	for (i = 0; i < w->n; i++)
		(void)newtListboxAppendEntry(s.list, w->entry[i],
		    (void *)(uintptr_t)i);
	newtListboxSetCurrent(s.list, (int)choice);
	newtFormAddComponent(s.form, s.list);
	newtFormAddHotKey(s.form, NEWT_KEY_ESCAPE);
	newtFormSetTimer(s.form, 1);
	newtDrawForm(s.form);
}

void
screen_draw(const char *root, const char *left, const char *right,
    const struct window *w, size_t choice)
{
	int cols, rows, width, height = 0, text_height;
	size_t i;

	if (!s.drawing)
		start_newt();
	drop_window();
	newtGetScreenSize(&cols, &rows);
	draw_root(root, left, right, cols);
	width = cells(w->title) + 4;
	measure(w->text, cols - MARGIN, &width, &height);
	text_height = height;
	for (i = 0; i < w->n; i++)
		measure(w->entry[i], cols - MARGIN, &width, &height);
	if (w->text != NULL && w->n > 0)
		height++;
	if (height > rows - MARGIN / 2)
		height = rows - MARGIN / 2;
	newtCenteredWindow((unsigned int)width + 2, (unsigned int)height,
	    w->title);
	fill_window(w, width, text_height, choice);
	newtRefresh();
}

/*
 * What a menu may get.  Others it would not survive: on ^L and ^Z newt waits
 * for one more key, and on its input alone.
 */
static size_t
pass_keys(char *ret, const char *bytes, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		if ((bytes[i] >= ' ' && bytes[i] <= '~') || (bytes[i] != '\0' &&
		    strchr("\b\t\n\r\033\177", bytes[i]) != NULL))
			ret[n++] = bytes[i];
	return n;
}

enum screen_end
screen_keys(const char *bytes, size_t len, size_t *ret_choice)
{
	char keys[SCREEN_KEYS];
	struct newtExitStruct es;
	enum screen_end end = SCREEN_NONE;

	if (s.list == NULL || len > sizeof(keys))
		return SCREEN_NONE;
	len = pass_keys(keys, bytes, len);
	if (len == 0)
		return SCREEN_NONE;
	/* Alone, it begins no sequence: newt would wait for the rest. */
	if (len == 1 && *keys == '\033')
		return SCREEN_BACK;
	if (rm_io_write(s.feed, keys, len) == -1)
		die(RM_EXIT_SYSTEM, "unable to hand on keys");
	newtFormRun(s.form, &es);
	if (es.reason == NEWT_EXIT_COMPONENT)
		end = SCREEN_CHOSEN;
	else if (es.reason == NEWT_EXIT_HOTKEY)
		end = SCREEN_BACK;
	*ret_choice = (size_t)(uintptr_t)newtListboxGetCurrent(s.list);
	return end;
}
