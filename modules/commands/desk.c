/*
 * Forms that wait. See desk.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "desk.h"

#include <linnet/credentials.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
desk_make_id(char id[DESK_ID_MAX])
{
	unsigned char bytes[8];

	ln_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static void
forget(struct desk *desk, struct waiting **place)
{
	struct waiting *waiting = *place;

	*place = waiting->next;
	desk->count--;
	free(waiting);
}

static void
forget_expired(struct desk *desk)
{
	struct waiting **place = &desk->first;

	while (*place != NULL)
		if ((*place)->until <= ln_now())
			forget(desk, place);
		else
			place = &(*place)->next;
}

/* The list is newest first, so the last that fits is the oldest. `asker` NULL: of anybody. */
static void
forget_beyond(struct desk *desk, const char *asker, unsigned keep)
{
	struct waiting **place = &desk->first;
	unsigned seen = 0;

	while (*place != NULL)
		if ((asker == NULL || strcmp((*place)->asker, asker) == 0) && ++seen > keep)
			forget(desk, place);
		else
			place = &(*place)->next;
}

struct waiting *
desk_wait(struct desk *desk, const struct ln_command *command, const struct ln_jid *asker)
{
	size_t len = ln_jid_len(asker);
	struct waiting *waiting = calloc(1, sizeof *waiting + len + 1);

	if (waiting == NULL)
		abort();
	memcpy(waiting->asker, asker->full, len);
	waiting->command = command;
	waiting->until = ln_now() + DESK_MS;
	desk_make_id(waiting->id);
	waiting->next = desk->first;
	desk->first = waiting;
	desk->count++;
	forget_beyond(desk, waiting->asker, DESK_EACH);
	forget_beyond(desk, NULL, DESK_MAX);
	return waiting;
}

struct waiting *
desk_find(struct desk *desk, const char *id, const struct ln_jid *asker)
{
	struct waiting *waiting;

	forget_expired(desk);
	waiting = desk->first;
	while (waiting != NULL &&
	    (strcmp(waiting->id, id) != 0 || strcmp(waiting->asker, asker->full) != 0))
		waiting = waiting->next;
	return waiting;
}

void
desk_close(struct desk *desk)
{
	while (desk->first != NULL)
		forget(desk, &desk->first);
}
