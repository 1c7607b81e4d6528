/*
 * Disabled accounts (XEP-0133 §4.3, §4.4): nobody logs in, everything is kept.
 *
 * The account's home decides: from the moment it is told it takes no session,
 * whatever the disk says yet. Who logs in later is told by SASL
 * (account-disabled, RFC 6120 §6.5.1), which reads the disk, and only if his
 * password is right: to everybody else the account is like any other. What comes
 * for it is treated as for an account whose user is away.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_DISABLE_H
#define LN_IM_DISABLE_H

#include "im/account.h"

/*
 * Disables the account and ends its sessions, or enables it again; `done` runs at home when that
 * is durable, or with false when it could not be stored. At home, in a handler of the account.
 */
void account_disable(struct ln_account *account, bool disabled, void (*done)(void *arg, bool ok),
    void *arg);

#endif
