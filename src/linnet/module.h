/*
 * What a module is.
 *
 * A module is one const struct that says everything about it: options, hooks,
 * iq handlers, stored values, metrics, commands. The loader registers all of
 * that and takes it all back; a module has no tear-down code and takes no
 * locks. doc/modules.md is the author's guide; a hello-world is 30 lines.
 *
 * The story of one message. A client's bytes are parsed on the home worker of
 * its account. The session stamps `from`; `message_sent` runs (blocking, rate
 * limits). The router finds the home worker of `to` and puts the stanza into
 * the inbox there. Its turn comes: `message_received` runs, the rules of RFC
 * 6121 §8 choose sessions, `stanza_out` runs for each, `message_delivered`
 * tells observers who got it. What a handler stores is committed before the
 * sender's acknowledgement is given; nothing waits for it but that.
 *
 * Where a handler runs it has what it may use:
 *   configuration      ln_conf(mod)                    const, until the next reload
 *   per worker         ln_worker_state(mod)            this worker's own
 *   per account        ln_account_state(mod, account)  at the account's home
 *   per session        ln_session_state(mod, session)  at its account's home
 * Slices are zeroed before `_open` and freed after `_close`.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_MODULE_H
#define LINNET_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linnet/account.h"
#include "linnet/command.h"
#include "linnet/events.h"
#include "linnet/option.h"

#define LN_MODULE_ABI 1

struct ln_http_route;
struct ln_node_kind;
struct ln_sasl_mechanism;
struct ln_table;

enum ln_scope {
	LN_SCOPE_HOST,      /* one instance a host that switches it on */
	LN_SCOPE_COMPONENT, /* the same, and it answers for a domain of its own (`domain`) */
	LN_SCOPE_GLOBAL     /* one instance for the server */
};

/* --- hooks -------------------------------------------------------------------- */

enum ln_event {
#define LN_HOOK(name, kind, home, when) LN_EV_##name,
#include "linnet/hooks.def"
#undef LN_HOOK
	LN_EV_COUNT
};

#define LN_FN_FILTER(name) \
	typedef enum ln_verdict ln_fn_##name(const struct ln_mod *mod, struct ln_ev_##name *ev);
#define LN_FN_OBSERVE(name) \
	typedef void ln_fn_##name(const struct ln_mod *mod, struct ln_ev_##name *ev);
#define LN_HOOK(name, kind, home, when) LN_FN_##kind(name)
#include "linnet/hooks.def"
#undef LN_HOOK

union ln_hook_fn {
	void (*any)(void);
#define LN_HOOK(name, kind, home, when) ln_fn_##name *name;
#include "linnet/hooks.def"
#undef LN_HOOK
};

enum ln_priority {
	LN_PRIO_GUARD = 1000, /* blocking, rate limits */
	LN_PRIO_POLICY = 500,
	LN_PRIO_DEFAULT = 0,
	LN_PRIO_ARCHIVE = -500,
	LN_PRIO_FALLBACK = -1000
};

struct ln_hook {
	enum ln_event event;
	int priority; /* higher runs first */
	union ln_hook_fn fn;
};

#define LN_ON(name, prio, function)        \
	{                                  \
		LN_EV_##name, (prio),      \
		{                          \
			.name = (function) \
		}                          \
	}
#define LN_HOOK_END                 \
	{                           \
		LN_EV_COUNT, 0,     \
		{                   \
			.any = NULL \
		}                   \
	}

/* --- iq ------------------------------------------------------------------------ */

enum ln_iq_kind { LN_IQ_NONE, LN_IQ_GET, LN_IQ_SET, LN_IQ_BOTH };

enum ln_iq_scope {
	LN_TO_HOST,      /* the host's JID; runs on the asking worker: no host state */
	LN_TO_HOST_HOME, /* the host's JID, at the host's home */
	LN_TO_ACCOUNT,   /* a bare JID of an account (or none, from itself), at its home */
	LN_BEFORE_LOGIN  /* the host, from a client that has not logged in; see ln_ev_iq.early */
};

struct ln_iq_handler {
	enum ln_iq_kind kind;
	enum ln_iq_scope scope;
	const char *ns;
	const char *element;
	enum ln_verdict (*handle)(const struct ln_mod *mod, struct ln_ev_iq *ev);
	bool stores; /* refused while the store is stalled (DESIGN section 8) */
};

#define LN_IQ_END                                               \
	{                                                       \
		LN_IQ_NONE, LN_TO_HOST, NULL, NULL, NULL, false \
	}

/* --- discovery ------------------------------------------------------------------ */

struct ln_identity {
	const char *category, *type, *name;
};

#define LN_FEATURES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* --- stored values -------------------------------------------------------------- */

/*
 * A value is one XML document per account and key. Preloaded values are in
 * memory whenever the account is; others are read with a continuation.
 */
struct ln_value {
	const char *name;
	unsigned flags;
};
enum { LN_PRELOAD = 1 };
#define LN_VALUE(name, flags)   \
	{                       \
		(name), (flags) \
	}
#define LN_VALUE_END    \
	{               \
		NULL, 0 \
	}

/* The preloaded documents of a value: `key` is "" for a value without keys. In `account_open`
 * and later; what was set since is seen. NULL: none. */
const struct ln_elem *ln_value_get(const struct ln_mod *mod, struct ln_account *account,
    unsigned value, const char *key);

/* Walks the keys of a preloaded value, at account_open; `each` gets every document. */
void ln_value_each(const struct ln_mod *mod, struct ln_account *account, unsigned value,
    void (*each)(const struct ln_mod *mod, struct ln_account *account, const char *key,
	const struct ln_elem *doc));

/*
 * Stores a document (NULL deletes it): memory changes at once, the disk with
 * the next group commit; the acknowledgement of the stanza in hand and the result of
 * the iq in hand wait for that without being told.
 */
void ln_value_set(const struct ln_mod *mod, struct ln_account *account, unsigned value,
    const char *key, const struct ln_elem *doc);

/*
 * Reads one document that is not preloaded and calls `done` at the account's
 * home with it, or with NULL. The token (may be NULL) is handed through; it is answered
 * with an error if the read fails.
 */
void ln_value_read(const struct ln_mod *mod, struct ln_account *account, unsigned value,
    const char *key, struct ln_token *token,
    void (*done)(const struct ln_mod *mod, struct ln_account *account, struct ln_token *token,
	const struct ln_elem *doc));

/* The same for who waits without a token, a command: `done` is always called, on this worker;
 * `ok` false: it could not be read. */
void ln_value_fetch(const struct ln_mod *mod, struct ln_account *account, unsigned value,
    const char *key, void (*done)(void *arg, bool ok, const struct ln_elem *doc), void *arg);

/*
 * The same of the host that the module is on at, without an account (its row is in `values` too,
 * without flags). Every worker has them all, so they are few and small; they are read at any time,
 * into `arena`. NULL: none.
 */
const struct ln_elem *ln_host_value_get(const struct ln_mod *mod, unsigned value, const char *key,
    struct arena *arena);

/* Stores one (NULL deletes it); then every worker gets it, and `done` is called on this one. */
void ln_host_value_set(const struct ln_mod *mod, unsigned value, const char *key,
    const struct ln_elem *doc, void (*done)(void *arg, bool ok), void *arg);

/* --- metrics --------------------------------------------------------------------- */

/* A counter; exported as linnet_<module>_<name> with label host. */
struct ln_metric {
	const char *name;
	const char *help;
};
#define LN_METRIC_END      \
	{                  \
		NULL, NULL \
	}

/* Adds one to the counter with this index in the module's table. Any worker. */
void ln_count(const struct ln_mod *mod, unsigned metric);

/* --- the module ------------------------------------------------------------------- */

struct ln_check; /* collects complaints against option names; see option.h */

struct ln_module {
	int abi;
	const char *name;
	const char *file;
	const char *summary;
	enum ln_scope scope;
	const char *const *needs;     /* must be on too: LN_NAMES("a", "b") */
	const char *const *after;     /* order only */
	const char *const *conflicts; /* must not be on */
	size_t conf_size;
	const struct ln_option *options;
	void (*check)(const void *conf, struct ln_check *check);
	const struct ln_hook *hooks;
	const struct ln_iq_handler *iq_handlers;
	/*
	 * LN_SCOPE_COMPONENT: the domain, from an option of type DOMAIN. The instance's host is that
	 * component, with the module's own iq rows, hooks, features and identities, and with those of
	 * the modules of its host that are there `for_components` too.
	 */
	const char *(*domain)(const void *conf);
	bool for_components;                  /* answers at the domains of components as well */
	const char *const *features;          /* of the host */
	const char *const *account_features;  /* of its accounts */
	const struct ln_identity *identities; /* of the host */
	const struct ln_value *values;
	const struct ln_table *tables; /* see table.h */
	const struct ln_metric *metrics;
	const struct ln_command *commands;
	const struct ln_sasl_mechanism *mechanisms; /* see sasl.h */
	const struct ln_http_route *routes;         /* see http.h */
	const struct ln_node_kind *nodes; /* LN_SCOPE_COMPONENT: behind NAME@DOMAIN; see node.h */

	size_t worker_size;
	void (*worker_open)(const struct ln_mod *mod);
	void (*worker_close)(const struct ln_mod *mod);
	size_t account_size;
	void (*account_open)(const struct ln_mod *mod, struct ln_account *account);
	void (*account_close)(const struct ln_mod *mod, struct ln_account *account);
	size_t session_size;
	void (*session_open)(const struct ln_mod *mod, struct ln_session *session);
	void (*session_close)(const struct ln_mod *mod, struct ln_session *session);

	/* About every so many ms, the first time soon after the start, at the home of its host:
	 * cleaning up. LN_SCOPE_HOST and LN_SCOPE_COMPONENT. */
	int64_t every_ms;
	void (*every)(const struct ln_mod *mod);

	/* Rarely needed: main thread, with the instance; false and a message refuse the start. */
	bool (*start)(const struct ln_mod *mod, char *message, size_t room);
	void (*stop)(const struct ln_mod *mod);
};

#define LN_NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

#ifdef LN_STATIC_MODULES
#define LN_MODULE_SYMBOL(name) ln_module_##name
#else
#define LN_MODULE_SYMBOL(name) ln_module
#endif

#define LN_MODULE(name_, ...)                                                           \
	extern const struct ln_module LN_MODULE_SYMBOL(name_);                          \
	__attribute__((visibility("default"))) const struct ln_module LN_MODULE_SYMBOL( \
	    name_) = { .abi = LN_MODULE_ABI, .name = #name_, .file = __FILE__, __VA_ARGS__ }

/* --- what a handler has ------------------------------------------------------------ */

/* The instance's configuration, its host (NULL for LN_SCOPE_GLOBAL) and that host's name. */
const void *ln_conf(const struct ln_mod *mod);
const struct ln_host *ln_mod_host(const struct ln_mod *mod);
const char *ln_host_name(const struct ln_host *host);
const struct ln_jid *ln_host_jid(const struct ln_host *host);

/* The host that a component belongs to; NULL: it is no component. */
const struct ln_host *ln_host_parent(const struct ln_host *host);

/* Walks the components of a host; NULL: no more. */
const struct ln_host *ln_host_component_at(const struct ln_host *host, unsigned i);

/* Walks the domains of external components that are below this host and no closer one; NULL: no more. */
const char *ln_host_external_at(const struct ln_host *host, unsigned i);

/* Rises with each reload; never 0. What was made from declarations is made anew. */
unsigned ln_host_generation(const struct ln_host *host);

/* Is the module on at this host, and its instance (to ask for its state or configuration)? */
const struct ln_mod *ln_host_mod(const struct ln_host *host, const char *module);

/* Walks the modules that are on at the host, in load order; NULL: no more. What one declares. */
const struct ln_mod *ln_host_mod_at(const struct ln_host *host, unsigned i);
const struct ln_module *ln_mod_module(const struct ln_mod *mod);

/* For the module that answers discovery: lets the observers of disco_info, or disco_items, add to it. */
void ln_fire_disco(struct ln_ev_disco *ev, bool items);

/* For the module that answers /.well-known/host-meta: lets the observers add links. */
void ln_fire_host_meta(struct ln_ev_host_meta *ev);

/* For the module that has rooms: tells the handlers of a room_... event at its component. */
enum ln_verdict ln_fire_room(const struct ln_host *host, enum ln_event event,
    struct ln_ev_room *ev);

/* Is this bare JID one of the host's administrators (`admins`)? */
bool ln_is_admin(const struct ln_host *host, const struct ln_jid *jid);

/* Is this the address of an account of this server, or would it be one? */
bool ln_is_local(const struct ln_jid *jid);

/* Is it one of this host's own, or, where that is a component, of the host it belongs to? */
bool ln_host_has(const struct ln_host *host, const struct ln_jid *jid);

void *ln_worker_state(const struct ln_mod *mod);
void *ln_account_state(const struct ln_mod *mod, const struct ln_account *account);
void *ln_session_state(const struct ln_mod *mod, const struct ln_session *session);

/* Monotonic ms (deadlines) and wall-clock ms (stamps), both as of this turn of the loop. */
int64_t ln_now(void);
int64_t ln_wall(void);

/* Linnet's version, "0.1.0". */
const char *ln_version(void);

/* The configuration's `data`: a module keeps files in a folder of its name there. */
const char *ln_data(void);

/* Seconds since the daemon accepted its first client. */
int64_t ln_uptime(void);

/* --- timers ------------------------------------------------------------------------- */

/*
 * Calls `fire` once, after `ms`, at the session's home. One timer per module
 * and session: setting it again moves it; 0 cancels. It is gone with the session.
 */
void ln_session_timer(const struct ln_mod *mod, struct ln_session *session, int64_t ms,
    void (*fire)(const struct ln_mod *mod, struct ln_session *session));

/*
 * Sends an iq get or set to a session and calls `done` with its answer, or NULL after `ms` with a
 * connection: while the session hibernates nobody can answer, and when it is resumed it is asked
 * once more.
 */
void ln_session_ask(const struct ln_mod *mod, struct ln_session *session, struct ln_stanza *iq,
    int64_t ms,
    void (*done)(const struct ln_mod *mod, struct ln_session *session,
	const struct ln_stanza *answer));

/* --- limits --------------------------------------------------------------------------- */

/*
 * Takes `cost` from the bucket `key` of this module: `rate.count` per `rate.per`. False: the
 * bucket is empty. Any worker; the one lock near XMPP, held for the arithmetic.
 */
bool ln_limit(const struct ln_mod *mod, const char *key, struct ln_rate rate, int64_t cost);

/* --- log ------------------------------------------------------------------------------- */

enum ln_level { LN_LOG_ERROR, LN_LOG_WARNING, LN_LOG_INFO, LN_LOG_DEBUG };

/* A line with the module's name and host. */
void ln_log(const struct ln_mod *mod, enum ln_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
