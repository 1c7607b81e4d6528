/*
 * Limits before a peer has proven itself. See quota.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/quota.h"

#include <string.h>

#include "core/limit.h"
#include "net/conn.h"
#include "net/listener.h"

#define KIND_MAX 16
#define KEY_MAX (KIND_MAX + NETADDR_KEY_MAX)

static size_t
key_of(const struct quota *quota, const struct conn *conn, uint8_t key[KEY_MAX])
{
	size_t len = strlen(quota->kind) + 1;

	memcpy(key, quota->kind, len);
	return len + netaddr_key(conn_peer(conn), key + len);
}

bool
quota_take(struct quota *quota, const struct conn *conn, unsigned max)
{
	uint8_t key[KEY_MAX];

	quota->counted = limit_hold(key, key_of(quota, conn, key), max);
	return quota->counted;
}

void
quota_give(struct quota *quota, const struct conn *conn)
{
	uint8_t key[KEY_MAX];

	if (quota->counted)
		limit_give(key, key_of(quota, conn, key));
	if (quota->quoted)
		listener_quota_release();
	quota->counted = quota->quoted = false;
}
