/*
 * Fan-out: one entity sends one payload to many, or many to one (DESIGN section 4).
 *
 * FANOUT_TURN stanzas a turn, whether one fan-out has them or several, one post
 * per worker for each; the entity takes nothing from its inbox until it is through,
 * so the order of what it sends holds. What travels is a reference and a range:
 * the copies are made where their recipients live, so that no memory is taken
 * on one worker and given back on another.
 *
 * What one recipient is sent in a turn goes out in one write. Where the entity
 * has more in its inbox, which will be sent to the same recipients, each write
 * waits a moment for that (STANZA_LAZY).
 *
 *	struct fanout *f = fanout_new(st);	// a template; ownership passes
 *	fanout_add(f, to);			// any number of times
 *	fanout_send(entity, f);
 *
 *	f = fanout_new_list(to);		// presences for one who comes
 *	fanout_list(f, frozen);			// shared, if it is ln_stanza_frozen()
 *	fanout_send(entity, f);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_FANOUT_H
#define LN_CORE_FANOUT_H

#include "core/entity.h"
#include "core/stanza.h"

#define FANOUT_TURN 4000

struct fanout;

struct fanout *fanout_new(struct ln_stanza *template);
void fanout_add(struct fanout *fanout, const struct ln_jid *to);

/* Presence alone: what cannot be delivered is dropped. */
struct fanout *fanout_new_list(const struct ln_jid *to);
void fanout_list(struct fanout *fanout, const struct ln_stanza *st);

void fanout_send(struct entity *entity, struct fanout *fanout);

/* One that was not sent after all; nulls the pointer. */
void fanout_free(struct fanout **fanout);

/* Sends the next FANOUT_TURN; true: there is more. Called by the serving loop. */
bool fanout_continue(struct entity *entity);

/* Forgets what was not sent yet: the entity is removed. */
void fanout_drop(struct entity *entity);

#endif
