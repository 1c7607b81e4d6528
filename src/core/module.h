/*
 * The run time behind linnet/module.h, as core and src/im call it: slices of
 * accounts and sessions, preloaded documents, questions to clients.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_MODULE_H
#define LN_CORE_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/host.h"

struct documents;
struct entity;
struct store_preload;
struct store_row;

/* What a host's modules want loaded with an account: fills `list`, returns how many; the order
 * is that of module_values_loaded(). */
size_t module_preloads(const struct ln_host *host, struct store_preload *list, size_t room);

/* The rows (key, doc) of each of these, before module_account_open(). They are copied. */
void module_values_loaded(struct ln_account *account, const struct store_row *const *values,
    size_t count);

/* Opens and closes the slices of every module of the account's host; closing frees the documents
 * too. */
void module_account_open(struct ln_account *account);
void module_account_close(struct ln_account *account);
void module_session_open(struct ln_session *session);
void module_session_close(struct ln_session *session);

/* The module's instance on a host as of now; NULL: switched off meanwhile. */
const struct ln_mod *module_on(const struct ln_host *host, unsigned slot);

/* Is this instance of a module on in the snapshot? */
bool module_keeps(const struct snapshot *snapshot, unsigned instance);

/* Frees a session's timers (or those of one module) and forgets what was asked of it. */
void ask_session_closed(struct ln_session *session);
void ask_session_resumed(struct ln_session *session);
void ask_module_gone(struct ln_session *session, unsigned slot);

/* A result or error that a client sent: true if ln_session_ask() waited for it (it is freed). */
bool ask_answered(struct ln_session *session, struct ln_stanza *st);

/* --- between the files of the run time ------------------------------------------------ */

void values_free(struct ln_account *account);
void values_forget(struct ln_account *account, const struct ln_mod *mod);

/* After a reload: does the account lack values that its modules preload? Then it goes back into
 * loading, and module_account_changed() is called when they are there. */
bool values_reload(struct ln_account *account);

/* Have all values been read that the module preloads? */
bool values_ready(struct ln_account *account, const struct ln_mod *mod);

void module_account_changed(struct entity *entity);

/* Which handler runs on this thread: for the crash handler. */
struct breadcrumb {
	const char *module; /* NULL: none */
	enum ln_event event;
	int64_t entered_us;
};
extern _Thread_local struct breadcrumb breadcrumb;

/* Is the module's slice of the account open? A module without one is always ready. */
bool module_account_ready(const struct ln_mod *mod, const struct ln_account *account);

/* What src/im keeps for it (im/api.c). */
struct slices *account_slices(const struct ln_account *account);
struct slices *session_slices(const struct ln_session *session);
struct documents **account_documents(const struct ln_account *account);
struct entity *account_entity(const struct ln_account *account);
struct ln_account *account_of_entity(struct entity *entity);
struct ln_session *session_by_id(uint64_t id);

/* At start, before the workers run; slices_init() is called by the other. */
void module_init(void);
void slices_init(void);

/* What ln_data() says, copied: it is the same whatever a reload reads. Before the workers run. */
void module_set_data(const char *folder);

/* At start: what modules do from time to time. */
void tick_init(void);

#endif
