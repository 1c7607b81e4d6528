/*
 * What SASL offers on a stream, as the exchange (sasl.c) sees it. It is made by
 * sasl_offer() with the stream's features and lasts until the next header.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_SASL_OFFER_H
#define LN_XMPP_SASL_OFFER_H

#include "xmpp/sasl.h"

/* The mechanism of this name that some module of the host has, offered or not; NULL: none. */
const struct ln_sasl_mechanism *offer_find(const struct ln_host *host, const char *name);

/* Was it offered? `offer` may be NULL: then nothing was. */
bool offer_has(const struct offer *offer, const char *name);

/* Lives as long as the offer. */
const struct ln_sasl_context *offer_context(const struct offer *offer);

#endif
