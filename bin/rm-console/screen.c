/* SPDX-License-Identifier: ISC */
/*
 * Drawing, by newt.  Its library has a habit that a console cannot have:
 * every new window throws away what was typed.  So it never gets the
 * terminal: the console reads that itself, and newt reads a pipe into which
 * nobody writes.
 */
#include "screen.h"

#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <newt.h>
#include <poll.h>
#include <slang.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "layout.h"
#include "rm_die.h"

static struct {
	int tty, slang_tty;
	bool drawing, utf8, has_window;
	struct termios before;
	newtComponent form;
	size_t page, below;
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
	/* An old terminal has lines of its own; others get + - and |. */
	if (!s.utf8 && strncmp(getenv("TERM"), "vt", 2) != 0) {
		SLtt_Has_Alt_Charset = 0;
		(void)SLsmg_reinit_smg();	/* it chose its lines before */
	}
	newtCls();
	newtCursorOff();
	make_raw();
	s.slang_tty = SLang_TT_Read_FD;
	SLang_TT_Read_FD = pipe_ends[0];
	/* newt waits on 0 and reads what slang reads: the same from now on. */
	if (dup2(pipe_ends[0], 0) == -1)
		die(RM_EXIT_SYSTEM, "unable to redirect standard input");
}

bool
screen_is_possible(void)
{
	const char *term = getenv("TERM");

	return term == NULL || (strcmp(term, "dumb") != 0 &&
	    strcmp(term, "unknown") != 0);
}

/*
 * What the surroundings say of the terminal; if they say nothing, it is a
 * console of today.  Terminals named vt are older than UTF-8.
 */
static bool
find_charset(void)
{
	const char *term = getenv("TERM"), *said = setlocale(LC_CTYPE, "");
	const char *all = getenv("LC_ALL"), *ctype = getenv("LC_CTYPE");
	const char *lang = getenv("LANG");
	bool silent = (all == NULL || *all == '\0') && (ctype == NULL ||
	    *ctype == '\0') && (lang == NULL || *lang == '\0');

	if (strncmp(term, "vt", 2) != 0 && (silent || (said != NULL &&
	    strcmp(nl_langinfo(CODESET), "UTF-8") == 0)) &&
	    setlocale(LC_CTYPE, "C.UTF-8") != NULL)
		return true;
	(void)setlocale(LC_CTYPE, "C");
	return false;
}

int
screen_open(void)
{
	if (getenv("TERM") == NULL)
		diex(RM_EXIT_USAGE, "TERM is not set");
	s.utf8 = find_charset();
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
screen_has_utf8(void)
{
	return s.utf8;
}

bool
screen_pending(void)
{
	struct pollfd fd = { .fd = s.tty, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

size_t
screen_page(void)
{
	return s.page;
}

size_t
screen_below(void)
{
	return s.below;
}

static void
drop_window(void)
{
	if (!s.has_window)
		return;
	newtFormDestroy(s.form);
	newtPopWindowNoRefresh();
	s.has_window = false;
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

static void
put(const struct layout_piece *p)
{
	static const int colours[] = {
		[LAYOUT_PLAIN] = NEWT_COLORSET_LABEL,
		[LAYOUT_FIELD] = NEWT_COLORSET_ENTRY,
		[LAYOUT_ENTRY] = NEWT_COLORSET_LISTBOX,
		[LAYOUT_BUTTON] = NEWT_COLORSET_COMPACTBUTTON,
		[LAYOUT_FOCUS] = NEWT_COLORSET_ACTSELLISTBOX
	};
	newtComponent c;

	if (p->kind == LAYOUT_GAUGE) {
		c = newtScale(p->col, p->row, p->width, 100);
		newtScaleSet(c, p->percent);
	} else {
		c = newtLabel(p->col, p->row, p->text);
		newtLabelSetColors(c, colours[p->kind]);
	}
	newtFormAddComponent(s.form, c);
}

static void
draw_root(const char *root, const char *left, const char *right, int cols)
{
	char line[512];
	int gap = cols - layout_cells(left) - layout_cells(right) - 1;

	(void)snprintf(line, sizeof(line), "%-*s", cols, root);
	newtDrawRootText(0, 0, line);
	(void)snprintf(line, sizeof(line), "%s%*s%s", left, gap > 1 ? gap : 1,
	    "", right);
	newtPopHelpLine();
	newtPushHelpLine(line);
}

/* No room for any window: what is needed is said where it can be said. */
static bool
is_too_small(int cols, int rows)
{
	char line[128];

	if (cols >= SCREEN_COLS && rows >= SCREEN_ROWS)
		return false;
	(void)snprintf(line, sizeof(line), "%d x %d is too small", cols, rows);
	newtDrawRootText(0, rows / 2 - 1, line);
	(void)snprintf(line, sizeof(line), "The console needs %d x %d",
	    SCREEN_COLS, SCREEN_ROWS);
	newtDrawRootText(0, rows / 2, line);
	newtRefresh();
	return true;
}

void
screen_draw(const char *root, const char *left, const char *right,
    const struct window *w, size_t focus, size_t *top)
{
	static struct layout l;
	int cols, rows;
	size_t i;

	if (!s.drawing)
		start_newt();
	drop_window();
	newtGetScreenSize(&cols, &rows);
	newtCls();
	draw_root(root, left, right, cols);
	if (is_too_small(cols, rows))
		return;
	layout_make(&l, w, cols, rows, focus, *top);
	*top = l.top;
	s.page = l.page;
	s.below = l.below;
	newtCenteredWindow((unsigned int)l.width, (unsigned int)l.height,
	    w->title);
	s.form = newtForm(NULL, NULL, 0);
	s.has_window = true;
	for (i = 0; i < l.n; i++)
		put(&l.piece[i]);
	newtDrawForm(s.form);
	newtRefresh();
}
