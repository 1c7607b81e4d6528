/*
 * The verification string of entity capabilities (XEP-0115 §5.1): a hash of
 * what an answer to disco#info says, whatever the order it says it in.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_DISCO_CAPS_H
#define LN_DISCO_CAPS_H

#include <linnet/base64.h>
#include <linnet/elem.h>

#define CAPS_HASH_LEN 20 /* SHA-1, which everybody knows */
#define CAPS_VER_LEN LN_BASE64_LEN(CAPS_HASH_LEN)

/* Of a disco#info <query/>. */
void caps_ver(const struct ln_elem *query, char ver[CAPS_VER_LEN + 1]);

#endif
