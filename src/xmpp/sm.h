/*
 * XEP-0198: what streams of all kinds share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_SM_H
#define LN_XMPP_SM_H

#include <stdbool.h>
#include <stdint.h>

/* Reads a number as `h` and `max` are written; `text` may be NULL. */
bool sm_number(const char *text, uint32_t *number_r);

#endif
