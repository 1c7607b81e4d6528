/*
 * The words of stanzas, replies and errors, content and hints.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/stanza_names.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/stanza.h"

#define ECHO_MAX 4096 /* bytes of the sender's children that an error repeats */

static const char *const type_names[] = { [LN_NORMAL] = "normal",
	[LN_CHAT] = "chat",
	[LN_GROUPCHAT] = "groupchat",
	[LN_HEADLINE] = "headline",
	[LN_AVAILABLE] = "available",
	[LN_UNAVAILABLE] = "unavailable",
	[LN_SUBSCRIBE] = "subscribe",
	[LN_SUBSCRIBED] = "subscribed",
	[LN_UNSUBSCRIBE] = "unsubscribe",
	[LN_UNSUBSCRIBED] = "unsubscribed",
	[LN_PROBE] = "probe",
	[LN_GET] = "get",
	[LN_SET] = "set",
	[LN_RESULT] = "result",
	[LN_TYPE_ERROR] = "error" };

static const struct {
	const char *condition;
	enum ln_error_type type;
} errors[] = {
#define AUTH LN_ETYPE_AUTH
#define CANCEL LN_ETYPE_CANCEL
#define MODIFY LN_ETYPE_MODIFY
#define WAIT LN_ETYPE_WAIT
#define LN_ERROR(name, condition, type) [LN_ERR_##name] = { condition, type },
#include "linnet/errors.def"
#undef LN_ERROR
#undef AUTH
#undef CANCEL
#undef MODIFY
#undef WAIT
};

static const char *const error_types[] = { [LN_ETYPE_AUTH] = "auth",
	[LN_ETYPE_CANCEL] = "cancel",
	[LN_ETYPE_CONTINUE] = "continue",
	[LN_ETYPE_MODIFY] = "modify",
	[LN_ETYPE_WAIT] = "wait" };

const char *
ln_type_name(enum ln_type type)
{
	return type_names[type];
}

const char *
ln_error_name(enum ln_error error)
{
	return errors[error].condition;
}

enum ln_error_type
ln_error_type(enum ln_error error)
{
	return errors[error].type;
}

const char *
stanza_error_type_name(int type)
{
	return error_types[type];
}

int
stanza_type_of(enum ln_kind kind, const char *name)
{
	static const int first[] = { LN_NORMAL, LN_AVAILABLE, LN_GET };
	static const int last[] = { LN_HEADLINE, LN_PROBE, LN_RESULT };

	if (name == NULL)
		return kind == LN_IQ ? -1 : first[kind];
	if (strcmp(name, "error") == 0)
		return LN_TYPE_ERROR;
	/* "available" is our name for no type at all. */
	for (int type = first[kind]; type <= last[kind]; type++)
		if (type != LN_AVAILABLE && strcmp(name, type_names[type]) == 0)
			return type;
	return -1;
}

/* Ids are drawn from a pool of random bytes: one call of the generator for many. */
char *
stanza_random_id(char out[STANZA_ID_LEN + 1])
{
	static const char digits[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	static _Thread_local unsigned char pool[32 * STANZA_ID_LEN];
	static _Thread_local size_t left;

	if (left < STANZA_ID_LEN) {
		if (RAND_bytes(pool, sizeof pool) != 1)
			abort();
		left = sizeof pool;
	}
	for (int i = 0; i < STANZA_ID_LEN; i++)
		out[i] = digits[pool[--left] & 63];
	out[STANZA_ID_LEN] = '\0';
	return out;
}

/* --- replies ------------------------------------------------------------------------ */

struct ln_stanza *
ln_iq_result(const struct ln_stanza *request)
{
	struct ln_stanza *result =
	    ln_stanza_new(LN_IQ, LN_RESULT, ln_to(request), ln_from(request));

	ln_set_id(result, ln_id(request));
	result->port = request->port;
	return result;
}

static bool
may_answer(const struct ln_stanza *st)
{
	return st->type != LN_TYPE_ERROR && st->type != LN_RESULT;
}

struct ln_stanza *
ln_error_reply(const struct ln_stanza *st, enum ln_error error, enum ln_error_type type,
    const char *text)
{
	struct ln_stanza *reply;
	struct ln_elem *elem, *reason;

	if (!may_answer(st))
		return NULL;
	reply = ln_stanza_new((enum ln_kind)st->kind, LN_TYPE_ERROR, ln_to(st), ln_from(st));
	ln_set_id(reply, st->id);
	reply->port = st->port;
	if (st->payload != NULL && arena_size(st->payload->arena) <= ECHO_MAX)
		for (const struct ln_elem *child = ln_first(st); child != NULL;
		     child = ln_elem_next(child))
			ln_add_copy(reply, child);
	elem = ln_add(reply, "error", NS_CLIENT);
	ln_set_attr(elem, "type", error_types[type]);
	ln_elem_add(elem, errors[error].condition, NS_STANZAS);
	if (text != NULL) {
		reason = ln_elem_add(elem, "text", NS_STANZAS);
		ln_set_attr(reason, "xml:lang", "en");
		ln_append_text(reason, text);
	}
	return reply;
}

struct ln_elem *
ln_error_elem(struct ln_stanza *reply)
{
	return ln_elem_child(reply->added, "error", NS_CLIENT);
}

enum ln_error
ln_stanza_error(const struct ln_stanza *st)
{
	const struct ln_elem *error = ln_child(st, "error", NS_CLIENT);

	for (int i = 0; error != NULL && i < LN_ERR_COUNT; i++)
		if (ln_elem_child(error, errors[i].condition, NS_STANZAS) != NULL)
			return (enum ln_error)i;
	return LN_ERR_UNDEFINED_CONDITION;
}

/* Is it by this address (arg), as normalised? */
static bool
is_stamp_of(const struct ln_elem *elem, void *arg)
{
	const struct ln_jid *by = arg;
	const char *text = ln_elem_attr(elem, "by");

	return text != NULL && strlen(text) == ln_jid_bare_len(by) &&
	    memcmp(text, by->full, ln_jid_bare_len(by)) == 0;
}

void
ln_stamp(struct ln_stanza *st, const struct ln_jid *by, const char *id)
{
	struct ln_elem *elem;

	ln_strip(st, "stanza-id", NS_SID, is_stamp_of, (void *)by);
	elem = ln_add(st, "stanza-id", NS_SID);
	ln_set_attr(elem, "by",
	    ln_jid_is_bare(by) ? by->full
			       : arena_strndup(st->arena, by->full, ln_jid_bare_len(by)));
	ln_set_attr(elem, "id", id);
}

static const char *
find_stamp(const struct ln_elem *root, const struct ln_jid *by)
{
	const struct ln_elem *elem = root != NULL ? ln_elem_child(root, "stanza-id", NS_SID) : NULL;

	for (; elem != NULL; elem = ln_elem_next_is(elem, "stanza-id", NS_SID))
		if (is_stamp_of(elem, (void *)by))
			return ln_elem_attr(elem, "id");
	return NULL;
}

const char *
ln_stamped(const struct ln_stanza *st, const struct ln_jid *by)
{
	const char *id = find_stamp(st->added, by);

	if (id == NULL && st->payload != NULL)
		id = find_stamp(st->payload->root, by);
	return id;
}

void
ln_add_delay(struct ln_stanza *st, const struct ln_jid *by, int64_t wall_ms, const char *reason)
{
	struct ln_elem *delay = ln_add(st, "delay", NS_DELAY);
	char stamp[CLOCK_STAMP_MAX];

	ln_set_attr(delay, "stamp", clock_stamp(wall_ms, stamp));
	if (by != NULL)
		ln_set_attr(delay, "from", by->full);
	if (reason != NULL)
		ln_append_text(delay, reason);
}

/* --- content -------------------------------------------------------------------------- */

/* Chat states, receipts' markers and the like, alone, are of the moment (XEP-0160 §3). */
bool
ln_has_content(const struct ln_stanza *st)
{
	const struct ln_elem *child;

	for (child = ln_first(st); child != NULL; child = ln_elem_next(child)) {
		const char *ns = ln_elem_ns(child);

		if (ln_ns_same(ns, NS_CHATSTATES) || ln_ns_same(ns, NS_HINTS) ||
		    ln_elem_is(child, "thread", NS_CLIENT) || ln_ns_same(ns, NS_SID))
			continue;
		return true;
	}
	return false;
}

bool
ln_has_hint(const struct ln_stanza *st, const char *name)
{
	return st->type != LN_TYPE_ERROR && ln_child(st, name, NS_HINTS) != NULL;
}

/* --- waiting --------------------------------------------------------------------------- */

static bool
may_wait(const struct ln_stanza *st)
{
	return !(st->flags & STANZA_NO_STORE) && (ln_has_content(st) || ln_has_hint(st, "store")) &&
	    !ln_has_hint(st, "no-store");
}

bool
stanza_lasts(const struct ln_stanza *st)
{
	return st->kind == LN_MESSAGE && (st->type == LN_NORMAL || st->type == LN_CHAT) &&
	    may_wait(st);
}

bool
stanza_lasts_abroad(const struct ln_stanza *st)
{
	return stanza_lasts(st) ||
	    (st->kind == LN_MESSAGE && st->type == LN_GROUPCHAT && may_wait(st));
}
