/*
 * The desk: forms that were handed out and wait to be filled in (XEP-0050 §3.2).
 * It is at the host's home. A session that has ended is remembered like one that
 * waits, so that its asker is told so; the oldest goes first.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_COMMANDS_DESK_H
#define LN_COMMANDS_DESK_H

#include <linnet/command.h>
#include <linnet/module.h>

#define DESK_MAX 256
#define DESK_EACH 8 /* of one asker */
#define DESK_MS (10 * 60 * 1000)
#define DESK_ID_MAX 20

struct waiting {
	struct waiting *next;
	const struct ln_command *command;
	int64_t until; /* ln_now() */
	bool ended;
	char id[DESK_ID_MAX];
	char asker[]; /* full JID */
};

/* Zeroed: nothing waits. */
struct desk {
	struct waiting *first; /* newest first */
	unsigned count;
};

/* A random one. */
void desk_make_id(char id[DESK_ID_MAX]);

struct waiting *desk_wait(struct desk *desk, const struct ln_command *command,
    const struct ln_jid *asker);

/* NULL: the asker has no such session, or its time is over. */
struct waiting *desk_find(struct desk *desk, const char *id, const struct ln_jid *asker);

void desk_close(struct desk *desk);

#endif
