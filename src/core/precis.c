/*
 * PRECIS profiles. Texts are worked on as UTF-16, which is what ICU speaks, in
 * fixed buffers on the stack; whatever outgrows them was too long anyway.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/precis.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#define ROUNDS 4

struct text {
	int32_t len;
	UChar units[PRECIS_IN_MAX];
};

/* What a code point is to the two string classes (RFC 8264 §8). */
enum property {
	DISALLOWED,
	PVALID,
	FREE_PVAL, /* valid in FreeformClass alone */
	CONTEXT
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const UNormalizer2 *nfc, *nfkc;

static void
open_tables(void)
{
	UErrorCode error = U_ZERO_ERROR;

	nfc = unorm2_getNFCInstance(&error);
	nfkc = unorm2_getNFKCInstance(&error);
	if (U_FAILURE(error)) {
		fprintf(stderr, "linnet: ICU has no normalization data: %s\n", u_errorName(error));
		abort();
	}
}

/* --- the derived property --------------------------------------------------- */

/* Exceptions (F), RFC 5892 §2.6. */
static bool
exception(UChar32 c, enum property *property_r)
{
	switch (c) {
	case 0x00df:
	case 0x03c2:
	case 0x06fd:
	case 0x06fe:
	case 0x0f0b:
	case 0x3007:
		*property_r = PVALID;
		return true;
	case 0x00b7:
	case 0x0375:
	case 0x05f3:
	case 0x05f4:
	case 0x30fb:
		*property_r = CONTEXT;
		return true;
	case 0x0640:
	case 0x07fa:
	case 0x302e:
	case 0x302f:
	case 0x303b:
		*property_r = DISALLOWED;
		return true;
	}
	if ((c >= 0x0660 && c <= 0x0669) || (c >= 0x06f0 && c <= 0x06f9)) {
		*property_r = CONTEXT;
		return true;
	}
	if (c >= 0x3031 && c <= 0x3035) {
		*property_r = DISALLOWED;
		return true;
	}
	return false;
}

static bool
old_hangul_jamo(UChar32 c)
{
	int32_t type = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);

	return type == U_HST_LEADING_JAMO || type == U_HST_VOWEL_JAMO ||
	    type == U_HST_TRAILING_JAMO;
}

static bool
ignorable(UChar32 c)
{
	return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
	    U_IS_UNICODE_NONCHAR(c);
}

/* HasCompat (Q): NFKC changes it. */
static bool
has_compat(UChar32 c)
{
	UErrorCode error = U_ZERO_ERROR;
	UChar units[2];
	int32_t len = 0;

	U16_APPEND_UNSAFE(units, len, c);
	return !unorm2_isNormalized(nfkc, units, len, &error);
}

static enum property
property_of_category(UChar32 c)
{
	uint32_t category = U_MASK(u_charType(c));

	/* LetterDigits (A) */
	if ((category &
		(U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK | U_GC_ND_MASK | U_GC_LM_MASK |
		    U_GC_MN_MASK | U_GC_MC_MASK)) != 0)
		return PVALID;
	/* OtherLetterDigits (R), Spaces (N), Symbols (O), Punctuation (P) */
	if ((category &
		(U_GC_LT_MASK | U_GC_NL_MASK | U_GC_NO_MASK | U_GC_ME_MASK | U_GC_ZS_MASK |
		    U_GC_S_MASK | U_GC_P_MASK)) != 0)
		return FREE_PVAL;
	return DISALLOWED;
}

/* The algorithm of RFC 8264 §8, in its order; UNASSIGNED is DISALLOWED to us. */
static enum property
property_of(UChar32 c)
{
	enum property property;

	if (exception(c, &property))
		return property;
	if (u_charType(c) == U_UNASSIGNED)
		return DISALLOWED;
	if (c >= 0x21 && c <= 0x7e)
		return PVALID;
	if (c == 0x200c || c == 0x200d)
		return CONTEXT;
	if (old_hangul_jamo(c) || ignorable(c) || u_charType(c) == U_CONTROL_CHAR)
		return DISALLOWED;
	if (has_compat(c))
		return FREE_PVAL;
	return property_of_category(c);
}

bool
precis_identifier_has(int32_t code_point)
{
	enum property property;

	pthread_once(&once, open_tables);
	property = property_of(code_point);
	return property == PVALID || property == CONTEXT;
}

/* --- context (RFC 5892 appendix A) ------------------------------------------ */

static UChar32
before(const struct text *text, int32_t at)
{
	UChar32 c = U_SENTINEL;

	if (at > 0)
		U16_PREV(text->units, 0, at, c);
	return c;
}

/* The code point behind the one at `at`; those with a rule are all of one unit. */
static UChar32
after(const struct text *text, int32_t at)
{
	UChar32 c = U_SENTINEL;

	if (++at < text->len)
		U16_NEXT(text->units, at, text->len, c);
	return c;
}

static bool
is_virama(UChar32 c)
{
	return c != U_SENTINEL && u_getCombiningClass(c) == 9;
}

static int32_t
joining_type(UChar32 c)
{
	return u_getIntPropertyValue(c, UCHAR_JOINING_TYPE);
}

static bool
joins_before(const struct text *text, int32_t at)
{
	int32_t type = U_JT_TRANSPARENT;
	UChar32 c;

	while (at > 0 && type == U_JT_TRANSPARENT) {
		U16_PREV(text->units, 0, at, c);
		type = joining_type(c);
	}
	return type == U_JT_LEFT_JOINING || type == U_JT_DUAL_JOINING;
}

static bool
joins_after(const struct text *text, int32_t at)
{
	int32_t type = U_JT_TRANSPARENT;
	UChar32 c;

	for (at++; at < text->len && type == U_JT_TRANSPARENT;) {
		U16_NEXT(text->units, at, text->len, c);
		type = joining_type(c);
	}
	return type == U_JT_RIGHT_JOINING || type == U_JT_DUAL_JOINING;
}

static bool
has_script(UChar32 c, UScriptCode script)
{
	UErrorCode error = U_ZERO_ERROR;

	return c != U_SENTINEL && uscript_getScript(c, &error) == script;
}

static bool
has_japanese_or_han(const struct text *text)
{
	UChar32 c;

	for (int32_t i = 0; i < text->len;) {
		U16_NEXT(text->units, i, text->len, c);
		if (has_script(c, USCRIPT_HIRAGANA) || has_script(c, USCRIPT_KATAKANA) ||
		    has_script(c, USCRIPT_HAN))
			return true;
	}
	return false;
}

static bool
has_unit_between(const struct text *text, UChar first, UChar last)
{
	for (int32_t i = 0; i < text->len; i++)
		if (text->units[i] >= first && text->units[i] <= last)
			return true;
	return false;
}

static bool
in_context(const struct text *text, int32_t at)
{
	UChar c = text->units[at];

	switch (c) {
	case 0x200c:
		return is_virama(before(text, at)) ||
		    (joins_before(text, at) && joins_after(text, at));
	case 0x200d:
		return is_virama(before(text, at));
	case 0x00b7:
		return before(text, at) == 'l' && after(text, at) == 'l';
	case 0x0375:
		return has_script(after(text, at), USCRIPT_GREEK);
	case 0x05f3:
	case 0x05f4:
		return has_script(before(text, at), USCRIPT_HEBREW);
	case 0x30fb:
		return has_japanese_or_han(text);
	}
	if (c >= 0x0660 && c <= 0x0669)
		return !has_unit_between(text, 0x06f0, 0x06f9);
	return !has_unit_between(text, 0x0660, 0x0669);
}

/* --- the Bidi Rule (RFC 5893 §2) -------------------------------------------- */

#define BIDI_RTL \
	(U_MASK(U_RIGHT_TO_LEFT) | U_MASK(U_RIGHT_TO_LEFT_ARABIC) | U_MASK(U_ARABIC_NUMBER))
#define BIDI_NEUTRAL                                                                   \
	(U_MASK(U_EUROPEAN_NUMBER) | U_MASK(U_EUROPEAN_NUMBER_SEPARATOR) |             \
	    U_MASK(U_COMMON_NUMBER_SEPARATOR) | U_MASK(U_EUROPEAN_NUMBER_TERMINATOR) | \
	    U_MASK(U_OTHER_NEUTRAL) | U_MASK(U_BOUNDARY_NEUTRAL) | U_MASK(U_DIR_NON_SPACING_MARK))

static bool
bidi_ok(const struct text *text)
{
	uint32_t first = 0, last = 0, seen = 0, numbers;
	UChar32 c;

	for (int32_t i = 0; i < text->len;) {
		uint32_t direction;

		U16_NEXT(text->units, i, text->len, c);
		direction = U_MASK(u_charDirection(c));
		if (first == 0)
			first = direction;
		if (direction != U_MASK(U_DIR_NON_SPACING_MARK))
			last = direction;
		seen |= direction;
	}
	if ((seen & BIDI_RTL) == 0)
		return true;
	/* With one of them the text has to be written from right to left as a whole. */
	if ((first & (U_MASK(U_RIGHT_TO_LEFT) | U_MASK(U_RIGHT_TO_LEFT_ARABIC))) == 0)
		return false;
	numbers = U_MASK(U_EUROPEAN_NUMBER) | U_MASK(U_ARABIC_NUMBER);
	return (seen & ~(BIDI_RTL | BIDI_NEUTRAL)) == 0 && (seen & numbers) != numbers &&
	    (last & (BIDI_RTL | U_MASK(U_EUROPEAN_NUMBER))) != 0;
}

/* --- steps of a profile ----------------------------------------------------- */

/* Every code point belongs to the class; with `contexts`, where it stands too. */
static enum precis_result
check(const struct text *text, enum property also, bool contexts)
{
	UChar32 c;

	for (int32_t i = 0, at; i < text->len;) {
		enum property property;

		at = i;
		U16_NEXT(text->units, i, text->len, c);
		property = property_of(c);
		if (property == CONTEXT) {
			if (contexts && !in_context(text, at))
				return PRECIS_CHARACTER;
		} else if (property != PVALID && property != also) {
			return PRECIS_CHARACTER;
		}
	}
	return PRECIS_OK;
}

static bool
append(struct text *text, UChar32 c)
{
	UBool overflow = false;

	U16_APPEND(text->units, text->len, PRECIS_IN_MAX, c, overflow);
	return !overflow;
}

/* Fullwidth and halfwidth forms become what they are forms of. */
static bool
map_width(const struct text *from, struct text *to)
{
	UChar32 c;

	to->len = 0;
	for (int32_t i = 0; i < from->len;) {
		UErrorCode error = U_ZERO_ERROR;
		UChar plain[8];
		int32_t width, len;

		U16_NEXT(from->units, i, from->len, c);
		width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
		if (width == U_EA_FULLWIDTH || width == U_EA_HALFWIDTH) {
			len = unorm2_getRawDecomposition(nfkc, c, plain, 8, &error);
			if (len > 0 && U_SUCCESS(error))
				U16_GET(plain, 0, 0, len, c);
		}
		if (!append(to, c))
			return false;
	}
	return true;
}

/* Every other space becomes U+0020. */
static bool
map_spaces(const struct text *from, struct text *to)
{
	*to = *from;
	for (int32_t i = 0; i < to->len; i++)
		if (u_charType(to->units[i]) == U_SPACE_SEPARATOR)
			to->units[i] = ' ';
	return true;
}

static bool
map_case(const struct text *from, struct text *to)
{
	UErrorCode error = U_ZERO_ERROR;

	to->len = u_strToLower(to->units, PRECIS_IN_MAX, from->units, from->len, "", &error);
	return U_SUCCESS(error);
}

static bool
compose(const struct text *from, struct text *to)
{
	UErrorCode error = U_ZERO_ERROR;

	to->len = unorm2_normalize(nfc, from->units, from->len, to->units, PRECIS_IN_MAX, &error);
	return U_SUCCESS(error);
}

/* --- profiles: the order of RFC 8264 §7 ------------------------------------- */

static enum precis_result
username_round(const struct text *from, struct text *to)
{
	struct text wide, lower;
	enum precis_result result;

	if (!map_width(from, &wide))
		return PRECIS_LONG;
	result = check(&wide, PVALID, false);
	if (result != PRECIS_OK)
		return result;
	if (!map_case(&wide, &lower) || !compose(&lower, to))
		return PRECIS_LONG;
	if (!bidi_ok(to))
		return PRECIS_BIDI;
	return check(to, PVALID, true);
}

static enum precis_result
opaque_round(const struct text *from, struct text *to)
{
	struct text spaced;
	enum precis_result result = check(from, FREE_PVAL, false);

	if (result != PRECIS_OK)
		return result;
	if (!map_spaces(from, &spaced) || !compose(&spaced, to))
		return PRECIS_LONG;
	return check(to, FREE_PVAL, true);
}

typedef enum precis_result (*round_fn)(const struct text *from, struct text *to);

static bool
same(const struct text *a, const struct text *b)
{
	return a->len == b->len && u_memcmp(a->units, b->units, a->len) == 0;
}

static enum precis_result
until_stable(round_fn round, struct text *text)
{
	struct text next;
	enum precis_result result;

	for (int i = 0; i < ROUNDS; i++) {
		result = round(text, &next);
		if (result != PRECIS_OK)
			return result;
		if (same(text, &next))
			return PRECIS_OK;
		*text = next;
	}
	return PRECIS_CHARACTER;
}

static enum precis_result
enforce(round_fn round, const char *in, size_t len, char out[PRECIS_OUT_MAX + 1], size_t *len_r)
{
	UErrorCode error = U_ZERO_ERROR;
	struct text text;
	int32_t written;
	enum precis_result result;

	if (len == 0)
		return PRECIS_EMPTY;
	if (len > PRECIS_IN_MAX)
		return PRECIS_LONG;
	pthread_once(&once, open_tables);
	u_strFromUTF8(text.units, PRECIS_IN_MAX, &text.len, in, (int32_t)len, &error);
	if (U_FAILURE(error))
		return PRECIS_NOT_UTF8;
	result = until_stable(round, &text);
	if (result != PRECIS_OK)
		return result;
	u_strToUTF8(out, PRECIS_OUT_MAX + 1, &written, text.units, text.len, &error);
	if (U_FAILURE(error) || written > PRECIS_OUT_MAX)
		return PRECIS_LONG;
	*len_r = (size_t)written;
	return PRECIS_OK;
}

enum precis_result
precis_username(const char *text, size_t len, char out[PRECIS_OUT_MAX + 1], size_t *len_r)
{
	return enforce(username_round, text, len, out, len_r);
}

enum precis_result
precis_opaque(const char *text, size_t len, char out[PRECIS_OUT_MAX + 1], size_t *len_r)
{
	return enforce(opaque_round, text, len, out, len_r);
}

/* --- what a text looks like --------------------------------------------------- */

static pthread_once_t spoof_once = PTHREAD_ONCE_INIT;
static USpoofChecker *spoof;

static void
open_spoof(void)
{
	UErrorCode error = U_ZERO_ERROR;

	spoof = uspoof_open(&error);
	if (U_FAILURE(error)) {
		fprintf(stderr, "linnet: ICU has no data of confusable characters: %s\n",
		    u_errorName(error));
		abort();
	}
}

static size_t
run_of(const char *text, size_t len, bool ascii)
{
	size_t run = 0;

	while (run < len && ((unsigned char)text[run] < 0x80) == ascii)
		run++;
	return run;
}

bool
precis_look(const char *text, size_t len, char out[PRECIS_OUT_MAX + 1])
{
	size_t used = 0, run;

	pthread_once(&spoof_once, open_spoof);
	for (bool ascii = true; len > 0; text += run, len -= run, ascii = !ascii) {
		UErrorCode error = U_ZERO_ERROR;
		size_t room = PRECIS_OUT_MAX - used;

		run = run_of(text, len, ascii);
		if (ascii && run <= room)
			memcpy(out + used, text, run);
		else if (ascii)
			return false;
		used += ascii ? run
			      : (size_t)uspoof_getSkeletonUTF8(spoof, 0, text, (int32_t)run,
				    out + used, (int32_t)room, &error);
		if (U_FAILURE(error))
			return false;
	}
	out[used] = '\0';
	return true;
}
