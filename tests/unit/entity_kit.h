/*
 * Entities that are nobody's: loaded at once, always idle; for tests of what lies
 * below accounts and rooms.
 *
 *	host->node_ops = host->domain_ops = &entity_kit_ops;
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_ENTITY_KIT_H
#define LN_TESTS_ENTITY_KIT_H

#include "core/entity.h"

extern const struct entity_ops entity_kit_ops;

/* Sees what is delivered to one; NULL: nobody looks. */
extern void (*entity_kit_delivered)(struct ln_stanza *st);

/* Every worker once, and then main, which is current behind it. */
void entity_kit_turn(void);

#endif
