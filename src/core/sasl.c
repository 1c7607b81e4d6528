/*
 * What mechanisms answer with, and the two ends of an exchange.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/sasl.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/arena.h"
#include "linnet/jid.h"

const char *
ln_sasl_condition_name(enum ln_sasl_condition condition)
{
	static const char *const names[] = {
#define X(name, element) element,
		LN_SASL_CONDITIONS(X)
#undef X
	};

	return names[condition];
}

/* --- answers --------------------------------------------------------------------- */

static void
set_data(struct ln_sasl *sasl, const void *data, size_t len)
{
	char *copy;

	sasl->data = NULL;
	sasl->len = 0;
	if (data == NULL)
		return;
	copy = arena_alloc(sasl->arena, len + 1);
	memcpy(copy, data, len);
	copy[len] = '\0';
	sasl->data = copy;
	sasl->len = len;
}

enum ln_sasl_verdict
ln_sasl_challenge(struct ln_sasl *sasl, const void *data, size_t len)
{
	set_data(sasl, data, len);
	return LN_SASL_CHALLENGE;
}

enum ln_sasl_verdict
ln_sasl_read(struct ln_sasl *sasl, const char *username, size_t len)
{
	enum ln_jid_error error = ln_jid_prepare_local(sasl->arena, username, len, &sasl->username);

	if (error != LN_JID_OK) {
		sasl->username = NULL;
		return ln_sasl_fail(sasl, LN_SASL_NOT_AUTHORIZED, "not a user name: %s",
		    ln_jid_reason(error));
	}
	return LN_SASL_READ;
}

enum ln_sasl_verdict
ln_sasl_hash(struct ln_sasl *sasl, const struct ln_credentials *credentials, const char *password,
    size_t len)
{
	ln_scram_work_prepare(&sasl->work, credentials, password, len);
	return LN_SASL_HASH;
}

enum ln_sasl_verdict
ln_sasl_success(struct ln_sasl *sasl, const void *data, size_t len)
{
	assert(sasl->username != NULL);
	set_data(sasl, data, len);
	return LN_SASL_SUCCESS;
}

enum ln_sasl_verdict
ln_sasl_fail(struct ln_sasl *sasl, enum ln_sasl_condition condition, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sasl->reason = arena_vprintf(sasl->arena, format, args);
	va_end(args);
	sasl->condition = condition;
	return LN_SASL_FAILURE;
}

bool
ln_sasl_authzid_is_own(struct ln_sasl *sasl, const char *username, size_t username_len,
    const char *authzid, size_t len)
{
	struct ln_jid asked, own;
	const char *local;

	if (len == 0)
		return true;
	return ln_jid_parse(sasl->arena, authzid, len, &asked) == LN_JID_OK &&
	    ln_jid_prepare_local(sasl->arena, username, username_len, &local) == LN_JID_OK &&
	    ln_jid_make(sasl->arena, local, sasl->context->host, NULL, &own) == LN_JID_OK &&
	    ln_jid_same(&asked, &own);
}

void *
ln_sasl_alloc(struct ln_sasl *sasl, size_t size)
{
	return arena_alloc(sasl->arena, size);
}

/* --- the two ends ------------------------------------------------------------------ */

bool
ln_sasl_offered(const struct ln_sasl_mechanism *mechanism, const struct ln_sasl_context *context)
{
	if ((mechanism->flags & LN_SASL_NEEDS_TLS) != 0 && !context->tls)
		return false;
	if ((mechanism->flags & LN_SASL_NEEDS_BINDING) != 0 && context->binding_count == 0)
		return false;
	return (mechanism->flags & LN_SASL_NEEDS_CERTIFICATE) == 0 || context->certificate != NULL;
}

void
ln_sasl_begin(struct ln_sasl *sasl, const struct ln_sasl_mechanism *mechanism,
    const struct ln_sasl_context *context, struct arena *arena)
{
	memset(sasl, 0, sizeof *sasl);
	sasl->mechanism = mechanism;
	sasl->context = context;
	sasl->arena = arena;
	sasl->state = arena_zalloc(arena, mechanism->state_size);
}

void
ln_sasl_end(struct ln_sasl *sasl)
{
	if (sasl->mechanism == NULL)
		return;
	ln_wipe(sasl->state, sasl->mechanism->state_size);
	ln_wipe(&sasl->work, sizeof sasl->work);
	sasl->mechanism = NULL;
}
