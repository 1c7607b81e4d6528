/*
 * The accounts of this server as a whole: making one, giving one a new
 * password, taking one away. Whoever does it (a client that registers itself,
 * an administrator, an import) does it here, so hashing, storing and the hooks
 * account_created, password_changed, account_deleted are the same.
 *
 *	ln_later(ev, mod, &token);
 *	ln_registry_create(mod, &jid, password, ln_ms(conf->keep_names), token, made);
 *	...
 *	static void
 *	made(const struct ln_mod *mod, struct ln_token *token, enum ln_registry_outcome outcome)
 *	{
 *		if (outcome == LN_REGISTRY_OK)
 *			ln_token_answer(&token, ln_iq_result(ln_token_request(token)));
 *		...
 *	}
 *
 * Passwords are prepared (ln_password_prepare()), hashed on the crypto pool and
 * never kept. Answers come on the worker that asked; if the module was switched
 * off meanwhile the token is answered in its place.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_REGISTRY_H
#define LINNET_REGISTRY_H

#include "linnet/account.h"

/* {name, sentence for logs and people} */
#define LN_REGISTRY_OUTCOMES(X)                                   \
	X(OK, "done")                                             \
	X(TAKEN, "this account exists already")                   \
	X(RESERVED, "an account of this name was deleted lately") \
	X(ABSENT, "there is no such account")                     \
	X(BUSY, "too many passwords are being hashed just now")   \
	X(FAILED, "the store could not do it")

enum ln_registry_outcome {
#define X(name, text) LN_REGISTRY_##name,
	LN_REGISTRY_OUTCOMES(X)
#undef X
};

/* The sentence; never NULL. */
const char *ln_registry_reason(enum ln_registry_outcome outcome);

typedef void ln_registry_done(const struct ln_mod *mod, struct ln_token *token,
    enum ln_registry_outcome outcome);

/* How long a name stays reserved that was given up: nobody shall get what was meant for another. */
#define LN_REGISTRY_RESERVED_MS (INT64_C(30) * 86400000)

/*
 * Makes the account of a bare JID at one of our hosts. A name that was deleted
 * less than `reserved_ms` ago (at most LN_REGISTRY_RESERVED_MS) is RESERVED.
 * Any worker. The token (may be NULL) is handed through.
 */
void ln_registry_create(const struct ln_mod *mod, const struct ln_jid *account,
    const char *password, int64_t reserved_ms, struct ln_token *token, ln_registry_done *done);

/* Replaces the credentials of an account. Any worker. */
void ln_registry_set_password(const struct ln_mod *mod, const struct ln_jid *account,
    const char *password, struct ln_token *token, ln_registry_done *done);

/*
 * Deletes the account with all that it has. When that is certain (on disk) the
 * token (may be NULL) is answered, then its sessions end with not-authorized
 * and its contacts are told. At home, in a handler of the account.
 */
void ln_registry_remove(struct ln_account *account, struct ln_token *token);

#endif
