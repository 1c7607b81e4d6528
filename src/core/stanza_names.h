/*
 * The words of stanzas: types, errors, ids, and what their content means. The
 * public face is linnet/stanza.h; this adds what core itself needs.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_STANZA_NAMES_H
#define LN_CORE_STANZA_NAMES_H

#define STANZA_ID_LEN 16

/* Writes a random id, NUL-terminated, and returns it. Any thread. */
char *stanza_random_id(char out[STANZA_ID_LEN + 1]);

/* "auth", "cancel" ... */
const char *stanza_error_type_name(int type);

#endif
