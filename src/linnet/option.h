/*
 * Options: what a module, or the server itself, lets the operator say.
 *
 * An option is one row of a table; checks, defaults, `linnetctl config
 * explain`, the JSON Schema and the manual are made from the row.
 *
 *	struct flood_conf {
 *		int64_t burst;
 *		ln_msec refill;
 *	};
 *	static const struct ln_option options[] = {
 *		LN_OPTION_INT(flood_conf, burst, 20, 1, 10000,
 *		    "Messages an account may send in one go."),
 *		LN_OPTION_DURATION(flood_conf, refill, 500, 10, 3600000,
 *		    "Time after which one message more is allowed."),
 *		LN_OPTION_END
 *	};
 *
 * An option's name is its field's, with `-` for `_`. A row compiles only when
 * the C field has the row's type, which stands behind each macro below. The
 * struct is filled before anybody sees it, is const from then on, and lives as
 * long as the configuration it is part of; so do all texts and lists in it.
 * `$host` in a text, a default included, stands for the host's name. `help` is
 * one or more whole sentences.
 *
 * Behind `help` a row may carry named initialisers, such as
 * `.flags = LN_RESTART | LN_MAY_BE_OFF`.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_LINNET_OPTION_H
#define LN_LINNET_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- The types of fields ---- */

/* What an INT, SIZE, DURATION or RATE that may be `off` holds then: more than
 * anything it is compared with, and small enough to be added to a time. */
#define LN_OFF (INT64_MAX / 4)

/* A duration in milliseconds; a struct, so that it cannot be taken for seconds. */
typedef struct {
	int64_t ms;
} ln_msec;

static inline int64_t
ln_ms(ln_msec duration)
{
	return duration.ms;
}

/* `20/1m`: count 20, per_ms 60000. */
struct ln_rate {
	int64_t count;
	int64_t per_ms;
};

/* `HOST:PORT`, `"[::1]:53"`, `"*:5222"` (host "*": every address of both families). */
struct ln_address {
	const char *host; /* without brackets */
	const char *text; /* as it was written */
	int port;
};

/* Items stand side by side in memory; their C type is that of the item's row. */
struct ln_list {
	const void *items;
	size_t count;
};

struct ln_map {
	const char *const *keys;
	const void *items;
	size_t count;
};

#define LN_ITEM(list, type, i) (((type const *)(list)->items)[i])

static inline const char *
ln_list_text(const struct ln_list *list, size_t i)
{
	return LN_ITEM(list, char *, i);
}

/* A word and what it stands for; tables of them end in LN_NAME_END. */
struct ln_name {
	const char *name;
	int value;
	const char *help; /* may be absent */
};

#define LN_NAME_END           \
	{                     \
		NULL, 0, NULL \
	}

/* What the choice of an LN_OR() holds when none of its words was written. */
#define LN_OTHER (-1)

/* ---- Rows ---- */

enum ln_option_type {
	LN_TYPE_END,
	LN_TYPE_BOOL,
	LN_TYPE_INT,
	LN_TYPE_SIZE,
	LN_TYPE_RATE,
	LN_TYPE_DURATION,
	LN_TYPE_STRING,
	LN_TYPE_ENUM,
	LN_TYPE_DOMAIN,
	LN_TYPE_ADDRESS,
	LN_TYPE_URI,
	LN_TYPE_JID,
	LN_TYPE_PATH,
	LN_TYPE_SECRET,
	LN_TYPE_LIST,
	LN_TYPE_MAP,
	LN_TYPE_STRUCT,
	LN_TYPE_OR,
};

enum {
	LN_RESTART = 1 << 0,  /* a change waits for the next start; holds for what is inside too */
	LN_REQUIRED = 1 << 1, /* has no default */
	LN_MAY_BE_OFF =
	    1 << 2, /* takes `off`; a struct passes it to each row inside that takes it */
	LN_SHORTHAND = 1 << 3, /* struct: a plain value stands for its first row */
};

struct ln_option {
	enum ln_option_type type;
	unsigned flags;
	const char *name;
	const char *help;
	size_t offset;               /* of the field */
	size_t size;                 /* of the field, or of the item */
	int64_t number;              /* default of whatever is a number */
	int64_t per_ms;              /* RATE: the default's other half */
	int64_t min, max;            /* of the number */
	const char *text;            /* default of whatever is a text; lists and maps: as in YAML */
	const struct ln_name *names; /* ENUM, OR */
	const struct ln_option *rows; /* STRUCT: what is inside */
	const struct ln_option *item; /* LIST, MAP, OR */
};

/* The offset of a field, if it has the right type. */
#define LN_FIELD(conf, field, ctype) \
	(offsetof(struct conf, field) + 0 * sizeof(_Generic(((struct conf *)0)->field, ctype : 0)))
#define LN_FIELD_INT(conf, field)       \
	(offsetof(struct conf, field) + \
	    0 * sizeof(_Generic(((struct conf *)0)->field, int : 0, unsigned : 0)))
#define LN_RANGE(standard, least, most) .number = (standard), .min = (least), .max = (most)
#define LN_ROW(kind, conf, field, ctype, helptext, ...)                                    \
	{                                                                                  \
		.type = LN_TYPE_##kind, .name = #field, .help = helptext,                  \
		.offset = LN_FIELD(conf, field, ctype), .size = sizeof(ctype), __VA_ARGS__ \
	}

#define LN_OPTION_END               \
	{                           \
		.type = LN_TYPE_END \
	}

/* bool: yes, no, on, off, true, false. */
#define LN_OPTION_BOOL(conf, field, standard, help, ...) \
	LN_ROW(BOOL, conf, field, bool, help, .number = (standard), __VA_ARGS__)

/* int64_t. */
#define LN_OPTION_INT(conf, field, standard, least, most, help, ...) \
	LN_ROW(INT, conf, field, int64_t, help, LN_RANGE(standard, least, most), __VA_ARGS__)

/* int64_t, bytes: 64k 10M 1G, powers of 1024. */
#define LN_OPTION_SIZE(conf, field, standard, least, most, help, ...) \
	LN_ROW(SIZE, conf, field, int64_t, help, LN_RANGE(standard, least, most), __VA_ARGS__)

/* ln_msec; default and bounds in milliseconds: 500ms 30s 15m 12h 30d. */
#define LN_OPTION_DURATION(conf, field, standard, least, most, help, ...) \
	LN_ROW(DURATION, conf, field, ln_msec, help, LN_RANGE(standard, least, most), __VA_ARGS__)

/* struct ln_rate: `count` in `per` milliseconds, written 20/1m. */
#define LN_OPTION_RATE(conf, field, count, per, help, ...)                              \
	LN_ROW(RATE, conf, field, struct ln_rate, help, LN_RANGE(count, 1, 1000000000), \
	    .per_ms = (per), __VA_ARGS__)

/* int or an enum: one of the words of a `struct ln_name` table. */
#define LN_OPTION_ENUM(conf, field, table, standard, helptext, ...)                         \
	{                                                                                   \
		.type = LN_TYPE_ENUM, .name = #field, .help = helptext,                     \
		.offset = LN_FIELD_INT(conf, field), .size = sizeof(int), .names = (table), \
		.number = (standard), __VA_ARGS__                                           \
	}

/* const char *, each: any text; a domain, normalised; an absolute URI; a JID,
 * normalised; a file or directory, relative to the file that names it; a
 * secret, written out or as {file: PATH}, and never printed. Default NULL: the
 * field is NULL when nothing was said. */
#define LN_OPTION_STRING(conf, field, standard, help, ...) \
	LN_ROW(STRING, conf, field, const char *, help, .text = (standard), __VA_ARGS__)
#define LN_OPTION_DOMAIN(conf, field, standard, help, ...) \
	LN_ROW(DOMAIN, conf, field, const char *, help, .text = (standard), __VA_ARGS__)
#define LN_OPTION_URI(conf, field, standard, help, ...) \
	LN_ROW(URI, conf, field, const char *, help, .text = (standard), __VA_ARGS__)
#define LN_OPTION_JID(conf, field, standard, help, ...) \
	LN_ROW(JID, conf, field, const char *, help, .text = (standard), __VA_ARGS__)
#define LN_OPTION_PATH(conf, field, standard, help, ...) \
	LN_ROW(PATH, conf, field, const char *, help, .text = (standard), __VA_ARGS__)
#define LN_OPTION_SECRET(conf, field, help, ...) \
	LN_ROW(SECRET, conf, field, const char *, help, __VA_ARGS__)

/* struct ln_address; `port` is taken where none is written, 0: it must be. */
#define LN_OPTION_ADDRESS(conf, field, standard, port, help, ...)                 \
	LN_ROW(ADDRESS, conf, field, struct ln_address, help, .text = (standard), \
	    .number = (port), __VA_ARGS__)

/* struct inner: more rows, of that struct. */
#define LN_STRUCT(conf, field, inner, table, help, ...) \
	LN_ROW(STRUCT, conf, field, struct inner, help, .rows = (table), __VA_ARGS__)

/* struct ln_list: [a, b, c], each like `item_row`, an LN_ITEM_... from below.
 * A list is empty where nothing was said, unless `.text` says otherwise. */
#define LN_LIST_OF(conf, field, item_row, help, ...) \
	LN_ROW(LIST, conf, field, struct ln_list, help, .item = (item_row), __VA_ARGS__)

/* struct ln_map: {KEY: item, ...}; keys are texts, LN_MAP_BY_DOMAIN: domains, normalised. */
#define LN_MAP_OF(conf, field, item_row, help, ...) \
	LN_ROW(MAP, conf, field, struct ln_map, help, .item = (item_row), __VA_ARGS__)
#define LN_MAP_BY_DOMAIN .number = LN_TYPE_DOMAIN

/*
 * One of some words, or what another row takes, the last argument; its name
 * and help are the other row's. `choice`, an int or enum, gets the word's value
 * or LN_OTHER. By default it is `standard`; LN_OTHER: the other row's default.
 *
 *	LN_OR(dns_conf, anchor_word, anchor_words, ANCHOR_AUTO,
 *	    LN_OPTION_PATH(dns_conf, trust_anchor, NULL, "Whom to believe.")),
 */
#define LN_OR(conf, choice, table, standard, ...)                                              \
	{                                                                                      \
		.type = LN_TYPE_OR, .offset = LN_FIELD_INT(conf, choice), .size = sizeof(int), \
		.names = (table), .number = (standard),                                        \
		.item = &(const struct ln_option)__VA_ARGS__                                   \
	}

/* ---- Rows of items in lists and maps ---- */

#define LN_ITEM_TEXT_ROW(kind) \
	(&(const struct ln_option){ .type = LN_TYPE_##kind, .size = sizeof(const char *) })
#define LN_ITEM_STRING LN_ITEM_TEXT_ROW(STRING)
#define LN_ITEM_DOMAIN LN_ITEM_TEXT_ROW(DOMAIN)
#define LN_ITEM_URI LN_ITEM_TEXT_ROW(URI)
#define LN_ITEM_JID LN_ITEM_TEXT_ROW(JID)
#define LN_ITEM_PATH LN_ITEM_TEXT_ROW(PATH)
#define LN_ITEM_INT(least, most)                         \
	(&(const struct ln_option){ .type = LN_TYPE_INT, \
	    .size = sizeof(int64_t),                     \
	    .min = (least),                              \
	    .max = (most) })
#define LN_ITEM_ENUM(table) \
	(&(const struct ln_option){ .type = LN_TYPE_ENUM, .size = sizeof(int), .names = (table) })
#define LN_ITEM_ADDRESS(port)                                \
	(&(const struct ln_option){ .type = LN_TYPE_ADDRESS, \
	    .size = sizeof(struct ln_address),               \
	    .number = (port) })
#define LN_ITEM_LIST(item_row)                            \
	(&(const struct ln_option){ .type = LN_TYPE_LIST, \
	    .size = sizeof(struct ln_list),               \
	    .item = (item_row) })
#define LN_ITEM_STRUCT(inner, table, ...)                   \
	(&(const struct ln_option){ .type = LN_TYPE_STRUCT, \
	    .size = sizeof(struct inner),                   \
	    .rows = (table),                                \
	    __VA_ARGS__ })

/* ---- Checks across options ---- */

/*
 * A module's `check` sees its whole, filled struct when every option alone was
 * right, and reports what does not fit together; each report stops the start
 * (or the reload). It runs on the main thread and does nothing else.
 */
struct ln_check;
typedef void ln_check_fn(const void *conf, struct ln_check *check);

/* `option` is its name, "refill" or "contacts.abuse"; the message says what is
 * allowed. The place is found: where the option was set, else the module's own. */
void ln_check_error(struct ln_check *check, const char *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The host whose options are checked. */
const char *ln_check_host(const struct ln_check *check);

#endif
