/*
 * What becomes of a stanza that a session's client sent.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_SUBMIT_H
#define LN_IM_SUBMIT_H

#include "im/session.h"

/* `from` is stamped, the hold is open, the work has begun. Ownership passes. */
void submit(struct ln_session *session, struct ln_stanza *st);

#endif
