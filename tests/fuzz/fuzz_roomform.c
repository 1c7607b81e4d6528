/*
 * A room's configuration as strangers submit it (XEP-0045 §10.2): what is taken stays within its
 * bounds, and is read back as it was written.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "linnet/form.h"
#include "muc/config.h"

#define USERS 1000
#define HISTORY 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static void
check_text(const char *text)
{
	must(text == NULL || (*text != '\0' && strlen(text) <= CONFIG_TEXT_MAX));
}

static void
check(const struct room_config *config)
{
	check_text(config->name);
	check_text(config->description);
	check_text(config->language);
	check_text(config->password);
	check_text(config->pubsub);
	must(config->allow_pm >= PM_ANYONE && config->allow_pm <= PM_NONE);
	must(config->whois == WHOIS_MODERATORS || config->whois == WHOIS_ANYONE);
	must((config->broadcast & ~ALL_ROLES) == 0 && (config->member_list & ~ALL_ROLES) == 0);
	must(config->max_users >= 0 && config->max_users <= USERS);
	must(config->max_history >= 0 && config->max_history <= HISTORY);
}

static void
add_line(void *arg, const char *var, const char *value)
{
	buf_add_text(arg, var);
	buf_add_char(arg, '=');
	buf_add_text(arg, value);
	buf_add_char(arg, '\n');
}

static void
must_be_same(const struct room_config *a, const struct room_config *b)
{
	struct buf lines[2] = { BUF_INIT, BUF_INIT };

	config_each(a, add_line, &lines[0]);
	config_each(b, add_line, &lines[1]);
	must(lines[0].len == lines[1].len &&
	    memcmp(lines[0].data, lines[1].data, lines[0].len) == 0);
	must(a->password == NULL || strcmp(a->password, b->password) == 0);
	buf_free(&lines[0]);
	buf_free(&lines[1]);
}

static void
check_written(struct arena *arena, const struct room_config *config, bool labels)
{
	struct ln_elem *form =
	    ln_form_add(ln_elem_new(arena, "query", ""), "submit", NS_MUC_ROOMCONFIG);
	struct room_config again;

	config_default(&again, HISTORY, true);
	config_write(form, config, labels, USERS);
	must(config_read(form, &again, USERS, HISTORY) == NULL);
	must_be_same(config, &again);
	config_free(&again);
}

/* The same from a command, field by field. */
static void
set_each(const struct ln_elem *form)
{
	struct room_config config;
	struct ln_elem *field;

	config_default(&config, HISTORY, true);
	ln_elem_foreach(field, form) {
		const char *var = ln_elem_attr(field, "var");
		const char *text = var != NULL ? ln_form_text(form, var) : NULL;

		if (text != NULL)
			config_set(&config, var, text, USERS, HISTORY);
		check(&config);
	}
	config_free(&config);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	const char *error;
	struct ln_elem *query = ln_elem_parse(arena, (const char *)data, size, &error);
	const struct ln_elem *form = query != NULL ? ln_form_find(query, "submit") : NULL;
	struct room_config config;

	if (form != NULL) {
		config_default(&config, HISTORY, true);
		if (config_read(form, &config, USERS, HISTORY) == NULL) {
			must(!config.protected || config.password != NULL);
			check_written(arena, &config, false);
			check_written(arena, &config, true);
		}
		check(&config);
		config_free(&config);
		set_each(form);
	}
	arena_free(&arena);
	return 0;
}
