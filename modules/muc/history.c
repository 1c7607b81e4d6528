/*
 * What newcomers are told of what was said (XEP-0045 §7.2.13, §7.2.14): the
 * tail of the archive, in memory, each message as it is sent, with its delay.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/talk.h"

#define TRIM_EVERY 32 /* messages */

static void
drop(struct room *room, struct remembered *entry)
{
	STAILQ_REMOVE(&room->history, entry, remembered, link);
	room->history_count--;
	room->history_bytes -= entry->size;
	ln_node_memory(room->node, -(int64_t)entry->size);
	ln_stanza_free(&entry->message);
	free(entry->id);
	free(entry);
}

static size_t
most(const struct room *room)
{
	return (size_t)room->config.max_history;
}

static void
remember(struct room *room, struct ln_stanza *message, const char *id, int64_t wall_ms)
{
	struct remembered *entry = muc_alloc(sizeof *entry);
	struct ln_stanza *scratch = ln_stanza_new(LN_MESSAGE, LN_GROUPCHAT, NULL, NULL);
	struct arena *arena = ln_stanza_arena(scratch);

	entry->message = message;
	entry->id = muc_copy(id);
	entry->wall_ms = wall_ms;
	entry->size = strlen(ln_elem_print(arena, ln_stanza_elem(message, arena)));
	ln_stanza_free(&scratch);
	STAILQ_INSERT_TAIL(&room->history, entry, link);
	room->history_count++;
	room->history_bytes += entry->size;
	ln_node_memory(room->node, (int64_t)entry->size);
	while (room->history_count > most(room) || room->history_bytes > HISTORY_BYTES)
		drop(room, STAILQ_FIRST(&room->history));
}

/* With its delay; without the sender's address, which is kept for the archive alone. */
static struct ln_stanza *
dated(struct here *here, struct ln_stanza *st, int64_t wall_ms)
{
	struct ln_stanza *made;

	ln_strip(st, "x", NS_MUC_USER, NULL, NULL);
	ln_add_delay(st, ln_node_jid(here->node), wall_ms, NULL);
	made = ln_stanza_frozen(st);
	ln_stanza_free(&st);
	return made;
}

void
history_add(struct here *here, const struct ln_stanza *message, const char *id, int64_t wall_ms)
{
	if (most(here->room) > 0)
		remember(here->room, dated(here, ln_stanza_frozen(message), wall_ms), id, wall_ms);
	if (ln_node_stored(here->node) && ++here->room->untrimmed >= TRIM_EVERY)
		history_trim(here);
}

/* Rooms without an archive keep on disk what is history, others what is not too old. */
void
history_trim(struct here *here)
{
	int64_t keep = ln_ms(here->conf->keep);
	int64_t before = keep > 0 ? ln_wall() - keep : 0;

	here->room->untrimmed = 0;
	if (!here->room->config.archive)
		ln_archive_trim(here->node, here->room->config.max_history, before);
	else if (before > 0)
		ln_archive_trim(here->node, INT64_MAX, before);
}

void
history_read_back(struct here *here, const struct ln_archived *archived)
{
	struct ln_stanza *st = ln_stanza_from_elem(archived->message);

	if (st == NULL)
		return;
	if (most(here->room) == 0 || changes_subject(st)) {
		ln_stanza_free(&st);
		return;
	}
	remember(here->room, dated(here, st, archived->wall_ms), archived->id, archived->wall_ms);
}

/* A room becomes a lasting one: so does what was said in it. */
void
history_save(struct here *here)
{
	struct remembered *entry;

	STAILQ_FOREACH(entry, &here->room->history, link) {
		struct ln_stanza *st = ln_stanza_frozen(entry->message);

		ln_strip(st, "delay", NS_DELAY, NULL, NULL);
		ln_archive_add(here->node, entry->id, ln_from(st)->full, entry->wall_ms,
		    ln_stanza_elem(st, ln_stanza_arena(st)));
		ln_stanza_free(&st);
	}
}

const struct remembered *
history_find(const struct room *room, const char *id)
{
	const struct remembered *entry;

	STAILQ_FOREACH(entry, &room->history, link)
		if (strcmp(entry->id, id) == 0)
			return entry;
	return NULL;
}

/* What was taken back leaves a tombstone, here and in the archive. */
void
history_forget(struct room *room, const char *id, const struct ln_elem *tombstone)
{
	struct remembered *entry;

	STAILQ_FOREACH(entry, &room->history, link) {
		struct ln_stanza *st;

		if (strcmp(entry->id, id) != 0)
			continue;
		st = ln_stanza_from_elem(tombstone);
		ln_add_delay(st, ln_node_jid(room->node), entry->wall_ms, NULL);
		ln_stanza_free(&entry->message);
		entry->message = ln_stanza_frozen(st);
		ln_stanza_free(&st);
		return;
	}
}

void
history_free(struct room *room)
{
	while (!STAILQ_EMPTY(&room->history))
		drop(room, STAILQ_FIRST(&room->history));
}

/* --- telling --------------------------------------------------------------------------------- */

struct wish {
	size_t stanzas, chars;
	int64_t since; /* wall-clock ms */
};

static size_t
number(const struct ln_elem *limits, const char *name, size_t standard)
{
	const char *text = limits != NULL ? ln_elem_attr(limits, name) : NULL;
	char *end;
	unsigned long long value;

	if (text == NULL || *text == '-')
		return standard;
	value = strtoull(text, &end, 10);
	return end != text && *end == '\0' && value < standard ? (size_t)value : standard;
}

static struct wish
read_wish(const struct ln_elem *limits)
{
	struct wish wish = { .stanzas = number(limits, "maxstanzas", SIZE_MAX),
		.chars = number(limits, "maxchars", SIZE_MAX) };
	size_t seconds = number(limits, "seconds", SIZE_MAX);
	int64_t since = limits != NULL ? ln_datetime_read(ln_elem_attr(limits, "since")) : -1;

	if (seconds < INT64_MAX / 1000)
		wish.since = ln_wall() - (int64_t)seconds * 1000;
	if (since > wish.since)
		wish.since = since;
	return wish;
}

/* How many of the oldest are left out. */
static size_t
leave_out(const struct room *room, const struct wish *wish)
{
	const struct remembered *entry;
	size_t left = room->history_count, out = 0, bytes = room->history_bytes;

	STAILQ_FOREACH(entry, &room->history, link) {
		if (left <= wish->stanzas && bytes <= wish->chars && entry->wall_ms >= wish->since)
			return out;
		out++;
		left--;
		bytes -= entry->size;
	}
	return out;
}

static void
tell(struct here *here, const struct visit *visit, struct ln_stanza *message)
{
	struct ln_stanza *st = ln_stanza_copy(message);

	ln_set_to(st, &visit->jid);
	ln_node_send(here->node, st);
}

static void
tell_subject(struct here *here, const struct visit *visit)
{
	struct ln_stanza *none;

	if (here->room->subject != NULL) {
		tell(here, visit, here->room->subject);
		return;
	}
	none = ln_stanza_new(LN_MESSAGE, LN_GROUPCHAT, ln_node_jid(here->node), &visit->jid);
	ln_add(none, "subject", NS_CLIENT);
	ln_node_send(here->node, none);
}

void
history_tell(struct here *here, const struct visit *visit, const struct ln_elem *limits)
{
	struct wish wish = read_wish(limits);
	size_t out = leave_out(here->room, &wish);
	struct remembered *entry;

	STAILQ_FOREACH(entry, &here->room->history, link) {
		if (out > 0)
			out--;
		else
			tell(here, visit, entry->message);
	}
	tell_subject(here, visit);
}
