/*
 * Envelope and payload. See stanza.h and linnet/stanza.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/stanza.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "core/stanza_names.h"
#include "linnet/node.h"
#include "xml/writer.h"

#define ENVELOPE_ROOM 256 /* bytes behind an envelope of its own arena */
#define KEEP_DRAFT 4096   /* most presences fit */

static const char *const kind_names[] = { "message", "presence", "iq" };

/* --- payload ------------------------------------------------------------------------- */

/* `root` lives in `arena`, which passes to the payload. */
static struct payload *
payload_new(struct arena *arena, struct ln_elem *root)
{
	struct payload *payload = arena_zalloc(arena, sizeof *payload);

	atomic_init(&payload->refs, 1);
	payload->arena = arena;
	payload->root = root;
	return payload;
}

struct payload *
payload_ref(struct payload *payload)
{
	atomic_fetch_add_explicit(&payload->refs, 1, memory_order_relaxed);
	return payload;
}

void
payload_unref(struct payload **payload_p)
{
	struct payload *payload = *payload_p;

	*payload_p = NULL;
	while (payload != NULL &&
	    atomic_fetch_sub_explicit(&payload->refs, 1, memory_order_acq_rel) == 1) {
		struct payload *below = payload->below;
		struct arena *arena = payload->arena;

		if (payload->bytes != NULL && arena_is_secret(arena))
			explicit_bzero(payload->bytes, payload->len);
		free(payload->bytes);
		arena_free(&arena);
		payload = below;
	}
}

void
ln_stanza_secret(struct ln_stanza *st)
{
	arena_secret(st->arena);
	for (struct payload *payload = st->payload; payload != NULL; payload = payload->below)
		arena_secret(payload->arena);
}

void
payload_bytes(struct payload *payload)
{
	struct buf buf = BUF_INIT;

	if (payload->bytes_made)
		return;
	payload->bound = writer_children(&buf, payload->root, NS_CLIENT);
	payload->len = buf.len;
	payload->bytes = buf.data;
	payload->bytes_made = true;
}

/* --- making and dropping -------------------------------------------------------------- */

/* An envelope in an arena; `payload` may be NULL. */
static struct ln_stanza *
envelope_new(struct arena *arena, bool own, enum ln_kind kind)
{
	struct ln_stanza *st = arena_zalloc(arena, sizeof *st);

	st->arena = arena;
	st->own_arena = own;
	st->kind = (uint8_t)kind;
	return st;
}

struct ln_stanza *
ln_stanza_new(enum ln_kind kind, enum ln_type type, const struct ln_jid *from,
    const struct ln_jid *to)
{
	struct ln_stanza *st = envelope_new(arena_new(sizeof *st + ENVELOPE_ROOM), true, kind);

	st->type = (uint8_t)type;
	ln_set_from(st, from);
	ln_set_to(st, to);
	return st;
}

/* The same for a copy that has a reference to the payload in whose arena `st` lives. */
static void
borrow_head(struct ln_stanza *copy, const struct ln_stanza *st)
{
	copy->type = st->type;
	copy->flags = st->flags & (STANZA_NO_STORE | STANZA_PROBES);
	copy->from = st->from;
	copy->to = st->to;
	copy->id = st->id;
	copy->lang = st->lang;
	copy->borrows = true;
}

/* All but the payload. */
static void
copy_head(struct ln_stanza *copy, const struct ln_stanza *st)
{
	copy->type = st->type;
	copy->flags = st->flags & (STANZA_NO_STORE | STANZA_PROBES);
	ln_set_from(copy, ln_from(st));
	ln_set_to(copy, ln_to(st));
	ln_set_id(copy, st->id);
	ln_set_lang(copy, st->lang);
	if (st->added != NULL)
		copy->added = ln_elem_copy(copy->arena, st->added);
}

static bool
is_frozen(const struct ln_stanza *st)
{
	return !st->own_arena && st->added == NULL && st->payload != NULL &&
	    st->payload->arena == st->arena;
}

const struct ln_stanza *
stanza_share(const struct ln_stanza *st)
{
	if (!is_frozen(st))
		st = ln_stanza_frozen(st);
	else
		payload_ref(st->payload);
	payload_bytes(st->payload);
	return st;
}

void
stanza_unshare(const struct ln_stanza *st)
{
	struct payload *payload = st->payload;

	payload_unref(&payload);
}

struct ln_stanza *
stanza_copy_shared(const struct ln_stanza *st)
{
	struct ln_stanza *copy =
	    envelope_new(arena_new(sizeof *copy + ENVELOPE_ROOM), true, (enum ln_kind)st->kind);

	borrow_head(copy, st);
	copy->payload = st->payload;
	return copy;
}

struct ln_stanza *
ln_stanza_copy(struct ln_stanza *st)
{
	struct ln_stanza *copy =
	    envelope_new(arena_new(sizeof *copy + ENVELOPE_ROOM), true, (enum ln_kind)st->kind);

	if (is_frozen(st))
		borrow_head(copy, st);
	else
		copy_head(copy, st);
	if (st->payload != NULL) {
		payload_bytes(st->payload);
		copy->payload = payload_ref(st->payload);
	}
	return copy;
}

/* Everything of it anew in `arena`, which passes to the copy. */
static struct ln_stanza *
copy_whole(const struct ln_stanza *st, struct arena *arena)
{
	const struct ln_elem *root = st->payload != NULL ? st->payload->root : NULL;
	bool content = root != NULL && ln_node_first(root) != NULL;
	struct ln_stanza *copy = envelope_new(arena, !content, (enum ln_kind)st->kind);

	copy_head(copy, st);
	if (content)
		copy->payload = payload_new(arena, ln_elem_copy(arena, root));
	return copy;
}

struct ln_stanza *
stanza_keep(const struct ln_stanza *st)
{
	struct arena *draft = arena_new(KEEP_DRAFT), *kept;

	copy_whole(st, draft);
	kept = arena_new(arena_used(draft));
	arena_free(&draft);
	return copy_whole(st, kept);
}

void
ln_stanza_free(struct ln_stanza **st_p)
{
	struct ln_stanza *st = *st_p;
	struct payload *payload;
	struct arena *own;

	*st_p = NULL;
	if (st == NULL)
		return;
	hold_release(&st->hold);
	payload = st->payload;
	own = st->own_arena ? st->arena : NULL;
	payload_unref(&payload); /* `st` may be gone with it */
	arena_free(&own);
}

/* --- looking ------------------------------------------------------------------------------ */

enum ln_kind
ln_kind(const struct ln_stanza *st)
{
	return (enum ln_kind)st->kind;
}

enum ln_type
ln_type(const struct ln_stanza *st)
{
	return (enum ln_type)st->type;
}

const struct ln_jid *
ln_from(const struct ln_stanza *st)
{
	return st->from.full != NULL ? &st->from : NULL;
}

const struct ln_jid *
ln_to(const struct ln_stanza *st)
{
	return st->to.full != NULL ? &st->to : NULL;
}

const char *
ln_id(const struct ln_stanza *st)
{
	return st->id;
}

const char *
ln_lang(const struct ln_stanza *st)
{
	return st->lang;
}

const struct ln_elem *
ln_first(const struct ln_stanza *st)
{
	if (st->payload == NULL)
		return NULL;
	return ln_elem_first(st->payload->root);
}

const struct ln_elem *
ln_child(const struct ln_stanza *st, const char *name, const char *ns)
{
	const struct ln_elem *found = NULL;

	if (st->added != NULL)
		found = ln_elem_child(st->added, name, ns);
	if (found == NULL && st->payload != NULL)
		found = ln_elem_child(st->payload->root, name, ns);
	return found;
}

struct arena *
ln_stanza_arena(struct ln_stanza *st)
{
	return st->arena;
}

size_t
stanza_weight(const struct ln_stanza *st)
{
	size_t weight = sizeof *st;

	if (st->own_arena)
		weight = arena_size(st->arena);
	if (st->flags & STANZA_SHARES)
		return weight + (st->payload != NULL ? st->payload->len : 0);
	if (st->payload != NULL)
		weight += arena_size(st->payload->arena) + st->payload->len;
	return weight;
}

/* --- changing ------------------------------------------------------------------------------ */

static void
set_jid(struct ln_stanza *st, struct ln_jid *field, const struct ln_jid *jid)
{
	if (jid == NULL)
		field->full = NULL;
	else if (field != jid)
		*field = ln_jid_clone(st->arena, jid);
}

void
ln_set_from(struct ln_stanza *st, const struct ln_jid *from)
{
	set_jid(st, &st->from, from);
}

void
ln_set_to(struct ln_stanza *st, const struct ln_jid *to)
{
	set_jid(st, &st->to, to);
}

void
ln_set_id(struct ln_stanza *st, const char *id)
{
	st->id = id != NULL ? arena_strdup(st->arena, id) : NULL;
}

void
ln_set_lang(struct ln_stanza *st, const char *lang)
{
	st->lang = lang != NULL ? arena_strdup(st->arena, lang) : NULL;
}

void
ln_set_type(struct ln_stanza *st, enum ln_type type)
{
	st->type = (uint8_t)type;
}

void
ln_make_id(struct ln_stanza *st)
{
	char id[STANZA_ID_LEN + 1];

	ln_set_id(st, stanza_random_id(id));
}

static struct ln_elem *
added_root(struct ln_stanza *st)
{
	if (st->added == NULL)
		st->added = ln_elem_new(st->arena, kind_names[st->kind], NS_CLIENT);
	return st->added;
}

struct ln_elem *
ln_add(struct ln_stanza *st, const char *name, const char *ns)
{
	return ln_elem_add(added_root(st), name, ns);
}

void
ln_add_copy(struct ln_stanza *st, const struct ln_elem *elem)
{
	ln_elem_add_copy(added_root(st), elem);
}

typedef bool elem_match(const struct ln_elem *elem, void *arg);

static bool
matches(const struct ln_elem *elem, const char *name, const char *ns, elem_match *match, void *arg)
{
	return ln_elem_is(elem, name, ns) && (match == NULL || match(elem, arg));
}

static bool
any_matches(const struct ln_elem *root, const char *name, const char *ns, elem_match *match,
    void *arg)
{
	struct ln_elem *elem;

	ln_elem_foreach(elem, root)
		if (matches(elem, name, ns, match, arg))
			return true;
	return false;
}

static void
strip_tree(struct ln_elem *root, const char *name, const char *ns, elem_match *match, void *arg)
{
	struct ln_elem *elem;

	ln_elem_foreach(elem, root)
		if (matches(elem, name, ns, match, arg))
			ln_elem_remove(elem);
}

void
ln_strip(struct ln_stanza *st, const char *name, const char *ns, elem_match *match, void *arg)
{
	struct payload *old = st->payload, *made;
	struct arena *arena;

	if (st->added != NULL)
		strip_tree(st->added, name, ns, match, arg);
	if (old == NULL || !any_matches(old->root, name, ns, match, arg))
		return;
	arena = arena_new(arena_size(old->arena));
	made = payload_new(arena, ln_elem_copy(arena, old->root));
	strip_tree(made->root, name, ns, match, arg);
	if (!st->own_arena || st->borrows) {
		/* The envelope, or texts of its, live in the old payload's arena:
		 * keep that as long as it. */
		made->below = old;
		st->payload = made;
		return;
	}
	st->payload = made;
	payload_unref(&old);
}

/* --- to and from elements and bytes --------------------------------------------------------- */

static const char *
type_attribute(const struct ln_stanza *st)
{
	if (st->type == LN_NORMAL || st->type == LN_AVAILABLE)
		return NULL;
	return ln_type_name((enum ln_type)st->type);
}

struct ln_elem *
ln_stanza_elem(const struct ln_stanza *st, struct arena *arena)
{
	struct ln_elem *root = ln_elem_new(arena, kind_names[st->kind], NS_CLIENT);
	struct ln_elem *child;

	ln_set_attr(root, "from", st->from.full);
	ln_set_attr(root, "to", st->to.full);
	ln_set_attr(root, "type", type_attribute(st));
	ln_set_attr(root, "id", st->id);
	ln_set_attr(root, "xml:lang", st->lang);
	if (st->payload != NULL)
		ln_elem_foreach(child, st->payload->root)
			ln_elem_add_copy(root, child);
	if (st->added != NULL)
		ln_elem_foreach(child, st->added)
			ln_elem_add_copy(root, child);
	return root;
}

void
stanza_write_stream(struct ln_stanza *st, struct buf *out, const char *stream_ns, const char *lang)
{
	const char *name = kind_names[st->kind];

	writer_open(out, name);
	if (st->from.full != NULL)
		writer_attr_bytes(out, "from", st->from.full, ln_jid_len(&st->from));
	if (st->to.full != NULL)
		writer_attr_bytes(out, "to", st->to.full, ln_jid_len(&st->to));
	writer_attr(out, "type", type_attribute(st));
	writer_attr(out, "id", st->id);
	if (st->lang != NULL && (lang == NULL || strcmp(st->lang, lang) != 0))
		writer_attr(out, "xml:lang", st->lang);
	if (st->payload == NULL && st->added == NULL) {
		writer_close(out, name, NULL, 0);
		return;
	}
	writer_content(out);
	if (st->payload != NULL) {
		struct payload *payload = st->payload;

		/* A payload of one envelope is written straight from its tree. */
		if (payload->bytes_made && !(payload->bound && stream_ns != NS_CLIENT))
			buf_add(out, payload->bytes, payload->len);
		else
			writer_children(out, payload->root, stream_ns);
	}
	if (st->added != NULL)
		writer_children(out, st->added, stream_ns);
	writer_end(out, name);
}

void
stanza_write(struct ln_stanza *st, struct buf *out)
{
	struct arena *arena = arena_new(512);

	writer_document(out, ln_stanza_elem(st, arena));
	arena_free(&arena);
}

/* Reads one address attribute; false if it is no JID. */
static bool
read_jid(struct ln_stanza *st, const char *text, struct ln_jid *jid)
{
	if (text == NULL)
		return true;
	return ln_jid_parse(st->arena, text, strlen(text), jid) == LN_JID_OK;
}

static enum stanza_bad
check_iq(const struct ln_stanza *st)
{
	size_t children = ln_elem_count(st->payload->root);

	if (st->id == NULL)
		return STANZA_BAD_ID;
	if ((st->type == LN_GET || st->type == LN_SET) && children != 1)
		return STANZA_BAD_CHILDREN;
	if (st->type == LN_RESULT && children > 1)
		return STANZA_BAD_CHILDREN;
	return STANZA_OK;
}

/* RFC 6120 §8.2.3, RFC 6121 §5.2.2: an unknown message type is "normal"; presence and iq are
 * refused. */
static bool
read_type(struct ln_stanza *st, const char *name)
{
	int type = stanza_type_of((enum ln_kind)st->kind, name);

	if (type < 0 && st->kind == LN_MESSAGE)
		type = LN_NORMAL;
	st->type = (uint8_t)(type < 0 ? (st->kind == LN_IQ ? LN_GET : LN_AVAILABLE) : type);
	return type >= 0;
}

static enum stanza_bad
read_envelope(struct ln_stanza *st, const struct ln_elem *elem)
{
	enum stanza_bad bad = STANZA_OK;
	bool type_ok = read_type(st, ln_elem_attr(elem, "type"));

	st->id = ln_elem_attr(elem, "id");
	st->lang = ln_elem_attr(elem, "xml:lang");
	if (!read_jid(st, ln_elem_attr(elem, "from"), &st->from))
		bad = STANZA_BAD_FROM;
	if (!read_jid(st, ln_elem_attr(elem, "to"), &st->to) && bad == STANZA_OK)
		bad = STANZA_BAD_TO;
	if (!type_ok)
		return STANZA_BAD_TYPE;
	if (bad == STANZA_OK && st->kind == LN_IQ)
		bad = check_iq(st);
	return bad;
}

static int
kind_of(const struct ln_elem *elem)
{
	for (int kind = 0; kind < 3; kind++)
		if (ln_elem_is(elem, kind_names[kind], NS_CLIENT))
			return kind;
	return -1;
}

struct ln_stanza *
stanza_from_wire(struct arena **arena_p, struct ln_elem *elem, enum stanza_bad *bad_r)
{
	struct arena *arena = *arena_p;
	int kind = kind_of(elem);
	struct ln_stanza *st;

	if (kind < 0) {
		*bad_r = STANZA_UNKNOWN;
		arena_free(arena_p);
		return NULL;
	}
	*arena_p = NULL;
	st = envelope_new(arena, false, (enum ln_kind)kind);
	st->payload = payload_new(arena, elem);
	*bad_r = read_envelope(st, elem);
	return st;
}

struct ln_stanza *
stanza_from_bytes(const char *bytes, size_t len)
{
	struct arena *arena = arena_new(len + 1024);
	const char *error;
	struct ln_elem *elem = ln_elem_parse(arena, bytes, len, &error);
	enum stanza_bad bad;
	struct ln_stanza *st;

	if (elem == NULL) {
		arena_free(&arena);
		return NULL;
	}
	st = stanza_from_wire(&arena, elem, &bad);
	if (st != NULL && bad != STANZA_OK)
		ln_stanza_free(&st);
	return st;
}

struct ln_stanza *
ln_stanza_frozen(const struct ln_stanza *st)
{
	struct arena *arena = arena_new(1024);
	struct ln_elem *elem = ln_stanza_elem(st, arena);
	struct ln_stanza *frozen = envelope_new(arena, false, (enum ln_kind)st->kind);

	frozen->payload = payload_new(arena, elem);
	frozen->type = st->type;
	frozen->id = ln_elem_attr(elem, "id");
	frozen->lang = ln_elem_attr(elem, "xml:lang");
	ln_set_from(frozen, ln_from(st));
	ln_set_to(frozen, ln_to(st));
	return frozen;
}

struct ln_stanza *
ln_stanza_from_elem(const struct ln_elem *elem)
{
	struct arena *arena = arena_new(1024);
	enum stanza_bad bad;
	struct ln_stanza *st = stanza_from_wire(&arena, ln_elem_copy(arena, elem), &bad);

	if (st != NULL && bad != STANZA_OK)
		ln_stanza_free(&st);
	return st;
}
