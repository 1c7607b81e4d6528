/*
 * Readers of single values, one a type; part of options.c's work.
 *
 * A reader fills the field and returns NULL, or says what is wrong with the
 * node, a text that fits behind its value: "is not a size". It has reported
 * the mistake itself where it returns OPTION_REPORTED.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_OPTION_READERS_H
#define LN_SERVER_OPTION_READERS_H

#include "server/options.h"

extern const char option_reported[];
#define OPTION_REPORTED option_reported

typedef const char *option_reader_fn(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field);

/* NULL for what has parts: LIST, MAP, STRUCT, OR. */
option_reader_fn *option_reader(enum ln_option_type type);

/* What is wrong with a node that is of another kind than the row wants. */
const char *option_kind_problem(const struct yaml_node *node);

/* A copy with $host replaced; NULL: $host has no meaning here. */
const char *option_expand(struct option_reading *reading, const char *text);

/* Replaces the text by a normalised copy, or says what is wrong. */
const char *option_normalise_domain(struct option_reading *reading, const char **text);

#endif
