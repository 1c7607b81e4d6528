/*
 * What a peer's certificate says about XMPP addresses (RFC 6120 §13.7.1.2).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_CERTIFICATE_H
#define LN_XMPP_CERTIFICATE_H

#include "base/arena.h"
#include "linnet/sasl.h"

struct x509_st;

/* Its id-on-xmppAddr and dNSName entries, as written, in `arena`; whether it is to be trusted is
 * the caller's to ask. At most 64 of each are read. */
const struct ln_sasl_certificate *certificate_names(struct arena *arena, struct x509_st *x509);

#endif
