/* SPDX-License-Identifier: ISC */
/* A program under way, until it has ended: then somebody takes its answer. */
#include <stdio.h>
#include <string.h>

#include "rm_text.h"
#include "view.h"

static struct {
	char title[64], text[256];
	void (*done)(const char *answer, size_t len);
} w;

static void
fill(struct window *ret)
{
	*ret = (struct window){ .title = w.title, .text = w.text };
}

static void
ended(void)
{
	static char text[TASK_TEXT];
	size_t len = ui_task.len;

	memcpy(text, ui_task.text, len + 1);
	ui_pop();
	w.done(text, len);
	explicit_bzero(text, sizeof(text));
}

/* Nobody hears it any more: it ends by itself. */
static void
stop(void)
{
	task_forget(&ui_task);
	ui_pop();
}

static const struct view view = {
	.fill = fill, .ended = ended, .back = stop, .amid = true
};

void
work_start(const char *title, const char *text, const char *const argv[],
    const char *input, size_t len,
    void (*done)(const char *answer, size_t len))
{
	(void)snprintf(w.title, sizeof(w.title), "%s", title);
	(void)snprintf(w.text, sizeof(w.text), "%s", text);
	w.done = done;
	task_start(&ui_task, argv, input, len, true);
	/* A secret is where it belongs: no need to have it here as well. */
	form_close();
	ui_push(&view, NULL);
}

void
work_tell(const char *title, const char *answer, size_t len)
{
	char text[1024];
	const char *line = answer, *next;

	/* The last line is the reason; what is before it are notices. */
	while ((next = strchr(line, '\n')) != NULL && next[1] != '\0')
		line = next + 1;
	len -= (size_t)(line - answer);
	if (next != NULL)
		len = (size_t)(next - line);
	rm_text_clean(text, sizeof(text), (const uint8_t *)line, len);
	message_show(title, *text != '\0' ? text : "not done: no answer\n");
}
