/*
 * A room's life: read from disk, made, written, destroyed.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include <linnet/credentials.h>

#include <stdio.h>
#include <time.h>

/* --- small things that all files need ------------------------------------------------------- */

void *
muc_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (memory == NULL)
		abort();
	return memory;
}

char *
muc_copy(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		abort();
	return copy;
}

const char *
muc_write_time(char out[32], int64_t wall_ms)
{
	time_t seconds = wall_ms / 1000;
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, 32 - len, ".%03dZ", (int)(wall_ms % 1000));
	return out;
}

struct here
here_of(const struct ln_mod *mod, struct ln_node *node)
{
	return (struct here){ mod, ln_conf(mod), node, ln_node_state(node) };
}

enum ln_verdict
room_event(struct here *here, enum ln_event event, struct ln_stanza **st,
    const struct ln_jid *occupant, const struct ln_jid *who)
{
	struct ln_ev_room ev = { .stanza = st != NULL ? *st : NULL,
		.room = ln_node_jid(here->node),
		.occupant = occupant,
		.who = who };
	enum ln_verdict verdict = ln_fire_room(ln_node_host(here->node), event, &ev);

	if (st != NULL)
		*st = ev.stanza;
	return verdict;
}

/* --- as it is in memory ------------------------------------------------------------------------- */

static void
begin(struct room *room)
{
	room->affiliations = ln_dict_new();
	room->reserved = ln_dict_new();
	room->nicks = ln_dict_new();
	room->looks = ln_dict_new();
	room->visits = ln_dict_new();
	TAILQ_INIT(&room->affiliated);
	TAILQ_INIT(&room->occupants);
	STAILQ_INIT(&room->history);
}

static void
end(struct room *room)
{
	occupants_free(room);
	affiliations_free(room);
	history_free(room);
	register_free(room);
	ln_stanza_free(&room->subject);
	config_free(&room->config);
	free(room->avatar);
	free(room->maker);
}

/* Nothing is left of it but its address. */
static void
forget(struct here *here)
{
	struct room *room = here->room;
	struct ln_node *node = room->node;

	room_event(here, LN_EV_room_destroyed, NULL, NULL, NULL);
	directory_forget(here);
	ln_node_timer(node, 0, NULL);
	end(room);
	*room = (struct room){ .node = node };
	begin(room);
}

void
room_close(struct ln_node *node)
{
	end(ln_node_state(node));
}

/* --- reading ----------------------------------------------------------------------------------------- */

static void
read_config(const struct ln_mod *mod, struct ln_node *node, const char *key,
    const struct ln_elem *doc)
{
	const struct muc_conf *conf = ln_conf(mod);
	struct room *room = ln_node_state(node);
	const char *salt = ln_elem_attr(doc, "salt"), *avatar = ln_elem_attr(doc, "avatar");
	const char *created = ln_elem_attr(doc, "created"), *maker = ln_elem_attr(doc, "maker");
	const struct ln_elem *form = ln_form_find(doc, "submit");

	(void)key;
	if (salt != NULL)
		snprintf(room->salt, sizeof room->salt, "%s", salt);
	if (avatar != NULL)
		room->avatar = muc_copy(avatar);
	if (maker != NULL)
		room->maker = muc_copy(maker);
	if (created != NULL)
		room->created = strtoll(created, NULL, 10);
	if (form != NULL)
		config_read(form, &room->config, INT64_MAX, conf->history);
}

static void
read_subject(const struct ln_mod *mod, struct ln_node *node, const char *key,
    const struct ln_elem *doc)
{
	struct room *room = ln_node_state(node);

	(void)mod;
	(void)key;
	ln_stanza_free(&room->subject);
	room->subject = ln_stanza_from_elem(doc);
}

static void
history_read(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_archive_page *page, void *arg)
{
	struct here here;

	(void)token;
	(void)arg;
	if (node == NULL)
		return;
	here = here_of(mod, node);
	for (size_t i = 0; i < page->count; i++)
		history_read_back(&here, &page->messages[i]);
	directory_tell(&here);
	ln_node_ready(node);
}

static void
make_salt(struct room *room)
{
	uint8_t bytes[32];

	ln_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(room->salt + 2 * i, 3, "%02x", bytes[i]);
}

void
room_open(const struct ln_mod *mod, struct ln_node *node)
{
	const struct muc_conf *conf = ln_conf(mod);
	struct room *room = ln_node_state(node);
	struct ln_archive_query newest = { .before = "", .max = (unsigned)conf->history };

	room->node = node;
	begin(room);
	if (!ln_node_stored(node)) {
		ln_node_ready(node);
		return;
	}
	room->exists = true;
	make_salt(room);
	config_default(&room->config, conf->history, conf->archive);
	room->config.persistent = true;
	ln_node_value_each(mod, node, VALUE_CONFIG, read_config);
	ln_node_value_each(mod, node, VALUE_AFFILIATION, affiliation_read);
	ln_node_value_each(mod, node, VALUE_SUBJECT, read_subject);
	ln_archive_read(node, &newest, NULL, history_read, NULL);
}

/* --- writing ------------------------------------------------------------------------------------------- */

static void
write_config(struct here *here)
{
	struct room *room = here->room;
	struct ln_stanza *scratch = ln_stanza_new(LN_IQ, LN_SET, NULL, NULL);
	struct ln_elem *doc = ln_add(scratch, "room", NS_ROOM);

	ln_set_attr(doc, "salt", room->salt);
	ln_set_attr(doc, "avatar", room->avatar);
	ln_set_attr(doc, "maker", room->maker);
	ln_set_attrf(doc, "created", "%lld", (long long)room->created);
	config_write(ln_form_add(doc, "submit", NS_MUC_ROOMCONFIG), &room->config, false, 0);
	ln_node_value_set(here->mod, here->node, VALUE_CONFIG, "", doc);
	ln_stanza_free(&scratch);
}

static void
write_subject(struct here *here)
{
	struct ln_stanza *subject = here->room->subject;

	if (subject != NULL && ln_node_stored(here->node))
		ln_node_value_set(here->mod, here->node, VALUE_SUBJECT, "",
		    ln_stanza_elem(subject, ln_stanza_arena(subject)));
}

void
room_set_subject(struct here *here, const struct ln_stanza *message, int64_t wall_ms)
{
	struct ln_stanza *subject = ln_stanza_frozen(message), *dated;

	ln_add_delay(subject, ln_node_jid(here->node), wall_ms, NULL);
	dated = ln_stanza_frozen(subject);
	ln_stanza_free(&subject);
	ln_stanza_free(&here->room->subject);
	here->room->subject = dated;
	write_subject(here);
	directory_tell(here);
}

static void
made_lasting(const struct ln_mod *mod, struct ln_node *node, bool ok)
{
	if (!ok)
		ln_log(mod, LN_LOG_ERROR, "room could not be stored room=%s",
		    ln_node_jid(node)->full);
}

void
room_save(struct here *here)
{
	struct room *room = here->room;
	bool stored = ln_node_stored(here->node);

	if (room->config.persistent && !stored) {
		ln_node_create(here->node, made_lasting);
		write_config(here);
		affiliations_save(here);
		write_subject(here);
		history_save(here);
	} else if (room->config.persistent) {
		write_config(here);
	} else if (stored) {
		ln_node_delete(here->node);
	}
	directory_save(here);
	directory_tell(here);
}

/* --- making and destroying --------------------------------------------------------------------------------- */

/* §10.1.1: whoever does not configure his room in time has given it up. */
static void
never_configured(const struct ln_mod *mod, struct ln_node *node)
{
	struct here here = here_of(mod, node);

	if (here.room->exists && here.room->locked)
		room_destroy(&here, NULL, NULL, "The room was not configured in time.");
}

void
room_make(struct here *here, const struct ln_jid *owner)
{
	struct room *room = here->room;

	room->exists = true;
	room->locked = true;
	room->created = ln_wall();
	make_salt(room);
	config_default(&room->config, here->conf->history, here->conf->archive);
	affiliation_put(room, owner, AFF_OWNER, NULL, NULL);
	room->maker = muc_copy(TAILQ_FIRST(&room->affiliated)->jid.full);
	ln_node_timer(here->node, ln_ms(here->conf->unconfigured), never_configured);
	room_event(here, LN_EV_room_created, NULL, NULL, owner);
}

void
room_unlock(struct here *here)
{
	here->room->locked = false;
	ln_node_timer(here->node, 0, NULL);
	ghost_watch(here);
	room_save(here);
}

static void
add_destroy(struct ln_elem *x, const char *venue, const char *password, const char *reason)
{
	struct ln_elem *destroy = ln_elem_add(x, "destroy", NS_MUC_USER);

	ln_set_attr(destroy, "jid", venue);
	if (password != NULL)
		ln_add_text(destroy, "password", password);
	if (reason != NULL)
		ln_add_text(destroy, "reason", reason);
}

/* §10.9: each occupant is told of himself alone. */
static void
put_out(struct here *here, const struct visit *visit, void (*add)(struct ln_elem *x, void *arg),
    void *arg)
{
	struct ln_stanza *st =
	    ln_stanza_new(LN_PRESENCE, LN_UNAVAILABLE, &visit->occupant->jid, &visit->jid);
	struct ln_elem *x = ln_add(st, "x", NS_MUC_USER);
	struct ln_elem *item = ln_elem_add(x, "item", NS_MUC_USER);

	ln_set_attr(item, "affiliation", "none");
	ln_set_attr(item, "role", "none");
	add(x, arg);
	ln_node_send(here->node, st);
}

static void
put_all_out(struct here *here, void (*add)(struct ln_elem *x, void *arg), void *arg)
{
	const struct occupant *occupant;
	const struct visit *visit;

	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		TAILQ_FOREACH(visit, &occupant->visits, link)
			put_out(here, visit, add, arg);
}

struct venue {
	const char *jid, *password, *reason;
};

static void
say_destroyed(struct ln_elem *x, void *arg)
{
	const struct venue *venue = arg;

	add_destroy(x, venue->jid, venue->password, venue->reason);
}

static void
say_shutdown(struct ln_elem *x, void *arg)
{
	static const char *const codes[] = { "110", "332" };

	(void)arg;
	for (size_t i = 0; i < 2; i++)
		ln_set_attr(ln_elem_add(x, "status", NS_MUC_USER), "code", codes[i]);
}

void
room_destroy(struct here *here, const char *venue, const char *password, const char *reason)
{
	struct venue told = { venue, password, reason };

	put_all_out(here, say_destroyed, &told);
	ln_node_delete(here->node);
	forget(here);
}

void
room_check_empty(struct here *here)
{
	struct room *room = here->room;

	if (!room->exists)
		return;
	if (TAILQ_EMPTY(&room->occupants) && !room->config.persistent)
		forget(here);
	else
		directory_tell(here);
}

void
room_ending(const struct ln_mod *mod, struct ln_node *node, enum ln_node_end why)
{
	struct here here = here_of(mod, node);

	(void)why;
	put_all_out(&here, say_shutdown, NULL);
	while (!TAILQ_EMPTY(&here.room->occupants))
		occupant_remove(here.room, TAILQ_FIRST(&here.room->occupants));
}
