/*
 * mod_muc - rooms where many talk (XEP-0045).
 *
 * What is declared, and who gets which stanza; muc.h says what is where.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

static const struct ln_name create_names[] = { { "all", CREATE_ALL }, { "local", CREATE_LOCAL },
	{ "admins", CREATE_ADMINS }, { NULL, 0 } };

static const struct ln_option options[] = { LN_OPTION_DOMAIN(muc_conf, host, "conference.$host",
						"The domain of the rooms."),
	LN_OPTION_ENUM(muc_conf, create, create_names, CREATE_LOCAL,
	    "Who makes rooms: everybody, the accounts of this server, its administrators."),
	LN_OPTION_INT(muc_conf, history, 50, 0, 1000,
	    "Messages that somebody who enters is shown, at most; a room may have fewer."),
	LN_OPTION_INT(muc_conf, max_occupants, 1000, 1, 100000, "People in one room, at most."),
	LN_OPTION_INT(muc_conf, max_affiliations, 5000, 1, 1000000,
	    "Members, banned ones and others whom a room remembers, at most."),
	LN_OPTION_INT(muc_conf, max_nick, 100, 1, 1023, "Bytes of a nickname, at most."),
	LN_OPTION_SIZE(muc_conf, max_message, 64 << 10, 1 << 10, 10 << 20,
	    "The largest message that is passed on to a room."),
	LN_OPTION_BOOL(muc_conf, archive, true,
	    "Archive what is said in persistent rooms, unless their owners say otherwise."),
	LN_OPTION_DURATION(muc_conf, keep, 365 * INT64_C(86400000), 60000, 3650 * INT64_C(86400000),
	    "How long archived messages are kept.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_DURATION(muc_conf, unconfigured, 600000, 1000, 86400000,
	    "A new room that nobody has configured for so long is given up."),
	LN_OPTION_DURATION(muc_conf, ping, 900000, 1000, 86400000,
	    "Clients of other servers that were silent for so long are pinged.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_RATE(muc_conf, messages, 1000, 10000,
	    "Messages that somebody may send to one room."),
	LN_OPTION_RATE(muc_conf, presence, 60, 60000,
	    "Presence changes that somebody may make in one room."),
	LN_OPTION_RATE(muc_conf, joins, 60, 60000, "How often somebody may enter one room."),
	LN_OPTION_RATE(muc_conf, rooms, 100, 86400000, "Rooms that somebody may make."),
	LN_OPTION_INT(muc_conf, max_rooms, 200, 1, 1000000,
	    "Persistent rooms that somebody has made and owns, at most."),
	LN_OPTION_END };

static const char *
domain(const void *conf)
{
	return ((const struct muc_conf *)conf)->host;
}

static const struct ln_value values[] = { [VALUE_CONFIG] = LN_VALUE("config", LN_PRELOAD),
	[VALUE_AFFILIATION] = LN_VALUE("affiliation", LN_PRELOAD),
	[VALUE_SUBJECT] = LN_VALUE("subject", LN_PRELOAD),
	[VALUE_VCARD] = LN_VALUE("vcard", 0),
	LN_VALUE_END };

static const struct ln_identity identities[] = { { "conference", "text", "Rooms" },
	{ NULL, NULL, NULL } };

/* --- rooms ---------------------------------------------------------------------------------- */

static bool
room_loads(const struct ln_stanza *st)
{
	if (ln_kind(st) == LN_PRESENCE)
		return ln_type(st) == LN_AVAILABLE;
	return ln_type(st) != LN_TYPE_ERROR && ln_type(st) != LN_RESULT;
}

static void
room_stanza(const struct ln_mod *mod, struct ln_node *node, struct ln_ev_node *ev)
{
	struct here here = here_of(mod, node);

	if (ln_from(ev->stanza) == NULL)
		return;
	ghost_heard(&here, ev->stanza);
	switch (ln_kind(ev->stanza)) {
	case LN_MESSAGE:
		message_received(&here, ev);
		break;
	case LN_PRESENCE:
		enter_presence(&here, ev);
		break;
	default:
		relay_iq(&here, ev);
	}
}

/* What a room answers: kind, namespace, element. */
static const struct request {
	enum ln_type type;
	const char *ns, *element;
	request_fn *answer;
} requests[] = {
	{ LN_GET, "http://jabber.org/protocol/disco#info", "query", disco_info },
	{ LN_GET, "http://jabber.org/protocol/disco#items", "query", disco_items },
	{ LN_GET, "http://jabber.org/protocol/muc#admin", "query", admin_get },
	{ LN_SET, "http://jabber.org/protocol/muc#admin", "query", admin_set },
	{ LN_GET, "http://jabber.org/protocol/muc#owner", "query", owner_get },
	{ LN_SET, "http://jabber.org/protocol/muc#owner", "query", owner_set },
	{ LN_GET, "jabber:iq:register", "query", register_get },
	{ LN_SET, "jabber:iq:register", "query", register_set },
	{ LN_GET, "urn:xmpp:mam:2", "query", archive_form },
	{ LN_SET, "urn:xmpp:mam:2", "query", archive_query },
	{ LN_GET, "urn:xmpp:mam:2", "metadata", archive_metadata },
	{ LN_SET, "urn:xmpp:message-moderate:1", "moderate", moderate_set },
	{ LN_SET, "urn:xmpp:fasten:0", "apply-to", moderate_old },
	{ LN_GET, "vcard-temp", "vCard", vcard_get },
	{ LN_SET, "vcard-temp", "vCard", vcard_set },
	{ LN_GET, "urn:xmpp:ping", "ping", ping_get },
};

static enum ln_verdict
room_iq(const struct ln_mod *mod, struct ln_node *node, struct ln_ev_iq *ev)
{
	struct here here = here_of(mod, node);

	if (ln_from(ev->stanza) == NULL || ev->query == NULL)
		return LN_PASS;
	ghost_heard(&here, ev->stanza);
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		const struct request *request = &requests[i];

		if (request->type != ln_type(ev->stanza) ||
		    !ln_elem_is(ev->query, request->element, request->ns))
			continue;
		if (!here.room->exists ||
		    (here.room->locked && affiliation_of(&here, ln_from(ev->stanza)) != AFF_OWNER))
			return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND,
			    "There is no such room.");
		return request->answer(&here, ev);
	}
	return LN_PASS;
}

/* A room with people in it is needed; one that is on disk can be read again. */
static bool
room_idle(const struct ln_mod *mod, const struct ln_node *node)
{
	const struct room *room = ln_node_state(node);

	(void)mod;
	return TAILQ_EMPTY(&room->occupants) && room->registrations == NULL &&
	    (!room->exists || ln_node_stored(node));
}

static const struct ln_node_kind rooms = {
	.kind = "room",
	.size = sizeof(struct room),
	.loads = room_loads,
	.open = room_open,
	.stanza = room_stanza,
	.iq = room_iq,
	.idle = room_idle,
	.ending = room_ending,
	.close = room_close,
};

/* --- the service -------------------------------------------------------------------------------- */

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_HOST_HOME,
							"http://jabber.org/protocol/disco#items",
							"query", directory_items, false },
	LN_IQ_END };

static const struct ln_hook hooks[] = { LN_ON(host_started, LN_PRIO_DEFAULT, directory_started),
	LN_HOOK_END };

LN_MODULE(muc, .summary = "XEP-0045: Multi-User Chat", .scope = LN_SCOPE_COMPONENT,
    .conf_size = sizeof(struct muc_conf), .options = options, .domain = domain, .hooks = hooks,
    .iq_handlers = iq_handlers, .values = values, .tables = muc_tables, .identities = identities,
    .features = LN_FEATURES("http://jabber.org/protocol/muc",
	"http://jabber.org/protocol/muc#stable_id",
	"http://jabber.org/protocol/muc#self-ping-optimization", "http://jabber.org/protocol/rsm",
	"urn:xmpp:occupant-id:0"),
    .commands = muc_commands, .nodes = &rooms, .worker_size = sizeof(struct directory),
    .worker_open = directory_open, .worker_close = directory_close, .every_ms = 5000,
    .every = directory_every, );
