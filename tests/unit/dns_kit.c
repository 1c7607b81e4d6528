/*
 * DNS messages for tests. See dns_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "dns_kit.h"

#include <string.h>

static void
put16(struct buf *buf, unsigned value)
{
	buf_add_char(buf, (char)(value >> 8));
	buf_add_char(buf, (char)value);
}

static void
put_name(struct buf *buf, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");

		buf_add_char(buf, (char)len);
		buf_add(buf, name, len);
		name += len + (name[len] == '.');
	}
	buf_add_char(buf, '\0');
}

struct dns_message
dns_message(const char *name, unsigned type, unsigned rcode)
{
	struct dns_message m = { BUF_INIT, 0 };

	put16(&m.bytes, 0x1234);
	put16(&m.bytes, 0x8180 | rcode);
	put16(&m.bytes, 1);
	for (int i = 0; i < 3; i++)
		put16(&m.bytes, 0);
	put_name(&m.bytes, name);
	put16(&m.bytes, type);
	put16(&m.bytes, 1);
	return m;
}

void
dns_message_add(struct dns_message *m, const char *owner, unsigned type, unsigned ttl,
    const void *data, size_t len)
{
	put_name(&m->bytes, owner);
	put16(&m->bytes, type);
	put16(&m->bytes, 1);
	put16(&m->bytes, 0);
	put16(&m->bytes, ttl);
	put16(&m->bytes, (unsigned)len);
	buf_add(&m->bytes, data, len);
	m->bytes.data[7] = (char)++m->answers;
}

void
dns_message_cname(struct dns_message *m, const char *owner, const char *target)
{
	struct buf data = BUF_INIT;

	put_name(&data, target);
	dns_message_add(m, owner, DNS_KIT_CNAME, 60, data.data, data.len);
	buf_free(&data);
}

void
dns_message_srv(struct dns_message *m, const char *owner, unsigned priority, unsigned weight,
    unsigned port, const char *target)
{
	struct buf data = BUF_INIT;

	put16(&data, priority);
	put16(&data, weight);
	put16(&data, port);
	put_name(&data, target);
	dns_message_add(m, owner, DNS_SRV, 300, data.data, data.len);
	buf_free(&data);
}
