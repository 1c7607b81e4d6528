/*
 * Writing JSON: texts in quotes; the rest is plain text of the caller's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_JSON_H
#define LN_SERVER_JSON_H

#include "base/buf.h"

/* A string with its quotes; bytes that are no UTF-8 become U+FFFD. NULL: null. */
void json_add_string(struct buf *out, const char *text);

/* Separates members: adds a comma unless what stands before opens an object or array. */
void json_next(struct buf *out);

/* json_next(), then "name": */
void json_add_name(struct buf *out, const char *name);

#endif
