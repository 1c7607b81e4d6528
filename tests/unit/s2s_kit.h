/*
 * Streams and links with other servers in one thread, for tests: one worker that
 * is turned by hand, a host where anybody is delivered to (entity_kit_delivered sees
 * it), a component (component.example, "secret"), dialback, and a DNS that knows no
 * domain.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_S2S_KIT_H
#define LN_TESTS_S2S_KIT_H

#define S2S_KIT_HOST "example.org"

void s2s_kit_start(void); /* once; it ends with the process */
void s2s_kit_turn(void);

/* The host: its chains of hooks may be set. */
struct ln_host;
struct ln_host *s2s_kit_host(void);

#endif
