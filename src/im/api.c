/*
 * Accounts and sessions as modules see them: linnet/account.h, and the seams of
 * core/module.h. Roster and presence are in their own files.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "core/module.h"
#include "core/router.h"
#include "core/stanza.h"
#include "im/account.h"
#include "im/session.h"

/* --- account ------------------------------------------------------------------------ */

const struct ln_jid *
ln_account_jid(const struct ln_account *account)
{
	return &account->entity.jid;
}

const struct ln_host *
ln_account_host(const struct ln_account *account)
{
	return account->entity.host;
}

int64_t
ln_account_number(const struct ln_account *account)
{
	return account->entity.number;
}

int64_t
ln_account_stored(const struct ln_account *account)
{
	return account->stored_count;
}

int64_t
ln_account_stored_bytes(const struct ln_account *account)
{
	return account->stored_bytes;
}

struct ln_session *
ln_session_first(const struct ln_account *account)
{
	return TAILQ_FIRST(&account->sessions);
}

struct ln_session *
ln_session_next(const struct ln_session *session)
{
	return TAILQ_NEXT(session, link);
}

struct ln_session *
ln_session_find(const struct ln_account *account, const char *resource)
{
	return account_session_by_resource((struct ln_account *)account, resource);
}

/* --- session -------------------------------------------------------------------------- */

const struct ln_jid *
ln_session_jid(const struct ln_session *session)
{
	return &session->jid;
}

struct ln_account *
ln_session_account(const struct ln_session *session)
{
	return session->account;
}

bool
ln_session_available(const struct ln_session *session)
{
	return session->presence != NULL;
}

int
ln_session_priority(const struct ln_session *session)
{
	return session->priority;
}

struct ln_stanza *
ln_session_presence(const struct ln_session *session)
{
	return session->presence;
}

bool
ln_session_interested(const struct ln_session *session)
{
	return session->interested;
}

bool
ln_session_attached(const struct ln_session *session)
{
	return session->port.id != 0;
}

int64_t
ln_session_since(const struct ln_session *session)
{
	return session->since;
}

const char *
ln_session_address(const struct ln_session *session)
{
	return session->address;
}

bool
ln_session_secure(const struct ln_session *session)
{
	return session->secure;
}

void
ln_session_send(struct ln_session *session, struct ln_stanza *st)
{
	session_send(session, st);
}

void
ln_session_send_held(struct ln_session *session, struct ln_stanza *st)
{
	session_send_now(session, st);
}

void
ln_session_send_nonza(struct ln_session *session, const struct ln_elem *elem)
{
	struct port *port = session_port(session);

	if (port != NULL)
		port->ops->nonza(port, elem);
}

void
ln_session_close(struct ln_session *session, const char *condition, const char *text)
{
	session_end(session, condition, text);
}

void
ln_session_disconnect(struct ln_session *session, const char *condition, const char *text)
{
	if (session->port.id != 0)
		session_drop_stream(session, condition, text);
}

/* --- seams of core/module.h --------------------------------------------------------------- */

struct slices *
account_slices(const struct ln_account *account)
{
	return (struct slices *)&account->slices;
}

struct slices *
session_slices(const struct ln_session *session)
{
	return (struct slices *)&session->slices;
}

struct documents **
account_documents(const struct ln_account *account)
{
	return (struct documents **)&account->documents;
}

struct entity *
account_entity(const struct ln_account *account)
{
	return (struct entity *)&account->entity;
}

struct ln_account *
account_of_entity(struct entity *entity)
{
	return entity->ops == &account_ops ? account_of(entity) : NULL;
}

struct ln_session *
session_by_id(uint64_t id)
{
	return session_find(id);
}
