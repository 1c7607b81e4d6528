/*
 * The spelling of single values: texts to numbers, rates, addresses, and back.
 *
 * Readers return NULL when the text was right and filled `_r`, else what is
 * wrong with it, a static text that fits behind the quoted value: "is not a
 * size". None touches anything but its arguments.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_OPTION_VALUES_H
#define LN_SERVER_OPTION_VALUES_H

#include "base/buf.h"
#include "linnet/option.h"

struct arena;

const char *value_read_bool(const char *text, bool *value_r);
const char *value_read_int(const char *text, int64_t *value_r);
const char *value_read_size(const char *text, int64_t *bytes_r);
const char *value_read_duration(const char *text, int64_t *ms_r);
const char *value_read_rate(const char *text, struct ln_rate *rate_r);

/* A word of the table. */
const char *value_read_name(const char *text, const struct ln_name *names, int *value_r);

/* `port` 0: one must be written. The texts are copied into the arena. */
const char *value_read_address(const char *text, int port, struct arena *arena,
    struct ln_address *address_r);

/* Any scheme, an authority or path behind it, no blanks. */
const char *value_check_uri(const char *text);

/* Letters, digits, hyphens, dots: what is known of domains without IDNA. */
const char *value_check_domain(const char *text);

/* The shortest spelling that the readers take: 64k, 15m, 20/1m, or `off`. */
void value_add_size(struct buf *out, int64_t bytes);
void value_add_duration(struct buf *out, int64_t ms);
void value_add_rate(struct buf *out, struct ln_rate rate);
const char *value_name(const struct ln_name *names, int value);

/* How far two names are apart: letters to change, drop, add or swap; `_` is `-`. */
unsigned value_distance(const char *left, const char *right);

#endif
