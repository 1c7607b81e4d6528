/*
 * Option rows at work: a tree is checked against them into a struct.
 *
 *	struct option_reading reading = { .arena = a, .report = r, .host = "example.org" };
 *	struct option_chain chain = option_chain(in_the_host, at_the_top);
 *
 *	if (options_read(&reading, rows, &chain, conf))
 *		... conf, which was zeroed, is filled ...
 *
 * A chain is the nodes that speak of the same struct, the strongest first. Each
 * option is taken from the first that has it; structs are merged option by
 * option, lists and maps are taken whole. Every mistake is reported; nothing
 * is ever clamped. Main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_OPTIONS_H
#define LN_SERVER_OPTIONS_H

#include "linnet/option.h"
#include "server/yaml.h"

#define OPTION_CHAIN_MAX 2

/* Row of a table that somebody else reads: options_read() only knows its name. */
#define OPTION_ELSEWHERE (1u << 16)

typedef const char *option_normalise_fn(struct arena *arena, const char *text);

struct option_reading {
	struct arena *arena;
	struct report *report;
	const char *host;            /* what $host stands for; NULL: nothing */
	option_normalise_fn *domain; /* NULL: plain ASCII only */
	option_normalise_fn *jid;
	struct place place; /* where to say that something required was not written */
	const char *path;   /* of the struct that is read, for messages: "limits"; NULL: top */
};

struct option_chain {
	const struct yaml_node *nodes[OPTION_CHAIN_MAX];
	unsigned count;
	unsigned checked; /* in so many of them unknown names are reported */
};

/* Either may be NULL. */
struct option_chain option_chain(const struct yaml_node *strong, const struct yaml_node *weak);

/* Fills a zeroed struct; false: something was reported. */
bool options_read(struct option_reading *reading, const struct ln_option *rows,
    const struct option_chain *chain, void *conf);

/* ---- Rows and chains, for those who walk them ---- */

/* For OR the row inside, which has name and help; else the row itself. */
const struct ln_option *option_inner(const struct ln_option *row);

/* "per-address" of the field per_address; the text lives in `name_r`. */
#define OPTION_NAME_MAX 64
const char *option_name(const struct ln_option *row, char name_r[OPTION_NAME_MAX]);

/* Whether a name, as the operator writes it, is the row's. */
bool option_is(const struct ln_option *row, const char *name, size_t len);

/* The row of that name, or NULL. */
const struct ln_option *option_find(const struct ln_option *rows, const char *name, size_t len);

/* The nearest name in a table that is near enough to be what was meant, or NULL. */
const struct ln_option *option_nearest(const struct ln_option *rows, const char *name);

/* The nodes that speak of a row of a struct, given those that speak of the
 * struct; `outer` is the struct's own row or NULL. */
struct option_chain option_step(const struct option_chain *chain, const struct ln_option *outer,
    const struct ln_option *row);

/*
 * Follows "limits.stanza" through structs to a row. `conf` is the struct that
 * the row's offset counts from, given the one that `rows` are of (or NULL).
 */
struct option_found {
	const struct ln_option *row; /* NULL: there is none */
	const struct ln_option *outer;
	const struct ln_option *table; /* where the search ended */
	const char *rest;              /* the name that was not found there */
	struct option_chain chain;     /* of the row */
	const char *conf;
	unsigned flags; /* LN_RESTART of any struct around it */
};
struct option_found option_walk(const struct ln_option *rows, const struct option_chain *chain,
    const void *conf, const char *path);

/* The word `off`. */
bool option_is_off(const struct yaml_node *node);

/* The node that wins for a row, or NULL: the default. */
const struct yaml_node *option_winner(const struct option_chain *chain);

/* ---- Rows as text (option_text.c) ---- */

/* "a size from 10k to 1G, such as 64k or 10M; or off". */
void option_add_allowed(struct buf *out, const struct ln_option *row);

/* The default, or what a field holds, in YAML; of secrets only "(secret)". */
void option_add_default(struct buf *out, const struct ln_option *row);
void option_add_value(struct buf *out, const struct ln_option *row, const void *conf);

/* The same with secrets written out: to be compared, never to be shown. */
void option_add_value_plain(struct buf *out, const struct ln_option *row, const void *conf);

#endif
