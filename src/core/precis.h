/*
 * PRECIS (RFC 8264): the two string profiles that XMPP uses, and the derived
 * property they rest on, over ICU's Unicode data.
 *
 * A profile maps a text, checks every code point and its surroundings, and
 * repeats that until the text no longer changes; one that still changes after
 * four rounds is refused (RFC 8264 §7), so what comes out goes in again
 * unchanged. Callers keep ASCII away from here: it needs no tables.
 *
 * Any thread; ICU's objects are fetched at the first call. A data file that
 * ICU can't read ends the process with a message.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_PRECIS_H
#define LN_CORE_PRECIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRECIS_OUT_MAX 1023      /* bytes that come out */
#define PRECIS_IN_MAX (3 * 1024) /* bytes that go in: mapping and composing can shrink a text */

enum precis_result {
	PRECIS_OK,
	PRECIS_EMPTY,
	PRECIS_NOT_UTF8,
	PRECIS_LONG,
	PRECIS_CHARACTER, /* disallowed, unassigned, or out of its context */
	PRECIS_BIDI       /* breaks the Bidi Rule of RFC 5893 §2 */
};

/* UsernameCaseMapped (RFC 8265 §3.3). Writes a NUL behind the text. */
enum precis_result precis_username(const char *text, size_t len, char out[PRECIS_OUT_MAX + 1],
    size_t *len_r);

/* OpaqueString (RFC 8265 §4.2). */
enum precis_result precis_opaque(const char *text, size_t len, char out[PRECIS_OUT_MAX + 1],
    size_t *len_r);

/*
 * What a prepared text looks like (Unicode TS 39): whatever is not ASCII stands as what it is
 * confused with, so that "rоmеo" with two Cyrillic letters is "romeo". ASCII is as it was: "bot1"
 * and "botl" are two. False: it is too long, or no UTF-8.
 */
bool precis_look(const char *text, size_t len, char out[PRECIS_OUT_MAX + 1]);

/*
 * Is the code point allowed in an identifier, its context aside? But for case
 * and ASCII that is the question of IDNA2008 too (RFC 5892 §3).
 */
bool precis_identifier_has(int32_t code_point);

#endif
