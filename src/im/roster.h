/*
 * The roster of an account (RFC 6121 §2): its items in memory and on disk.
 *
 * One item a contact, compact: a large server holds millions. An item is also
 * there for a contact who only asked (pending in) or was approved in advance
 * and is not shown to clients then. Every change is one document of the value
 * ROSTER_VALUE, written with the work in hand (core/work.h).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_ROSTER_H
#define LN_IM_ROSTER_H

#include "im/account.h"

struct store_row;

/* The preloaded values that hold it: one document a contact, key the contact's JID; and one, key
 * "", with the version of the last removal. */
#define ROSTER_MODULE "roster"
#define ROSTER_VALUE "item"
#define ROSTER_VERSION "version"

enum {
	ROSTER_TO = 1,        /* the account sees the contact's presence */
	ROSTER_FROM = 2,      /* the contact sees the account's */
	ROSTER_ASK = 4,       /* pending out */
	ROSTER_IN = 8,        /* pending in */
	ROSTER_APPROVED = 16, /* pre-approved (RFC 6121 §3.4) */
	ROSTER_SHOWN = 32     /* the user has it in the roster */
};

struct ln_roster_item {
	struct roster *roster;
	struct ln_jid jid;
	char *name;    /* NULL: none */
	char *groups;  /* each NUL-terminated, "" at the end; NULL: none */
	char *request; /* the stanza that asked (pending in), serialised; NULL: none kept */
	uint32_t index;
	uint8_t state;  /* of the flags above */
	char address[]; /* of jid: rosters are what an account's memory goes into */
};

struct roster {
	struct ln_account *account;
	struct ln_roster_item **items;
	uint32_t count, room;
	int64_t version;
};

/* At the end of loading, with the rows of both values; and before unloading. */
void roster_open(struct ln_account *account, const struct store_row *items,
    const struct store_row *version);
void roster_close(struct ln_account *account);

/* NULL: none. Any JID of the contact. */
struct ln_roster_item *roster_find(const struct ln_account *account, const struct ln_jid *contact);

/* Finds or makes one that the user wants to see; NULL: he sees as many as there may be. */
struct ln_roster_item *roster_get(struct ln_account *account, const struct ln_jid *contact);

/* The same for a contact who asks. Those not shown are as many as may be, less the others: they
 * take no place of the user's. */
struct ln_roster_item *roster_get_asking(struct ln_account *account, const struct ln_jid *contact);

/* Replaces; NULL clears. They are copied. */
void roster_set_name(struct ln_roster_item *item, const char *name);
void roster_set_groups(struct ln_roster_item *item, const char *groups, size_t len);
void roster_set_request(struct ln_roster_item *item, struct ln_stanza *request);

/* It has changed: is written, and pushed to those interested if it is (or was) shown. An item
 * with no state left is removed (and freed). */
void roster_changed(struct ln_roster_item *item, bool push);

/* Removes it from roster and disk, pushing the removal if it was shown. */
void roster_remove(struct ln_roster_item *item);

/* An iq get or set of jabber:iq:roster that came to the account. Ownership passes. */
void roster_iq(struct ln_account *account, struct ln_stanza *st);

/* The <item/> as clients see it, appended to a query. `removed`: as the push of a removal. */
void roster_add_item(struct ln_elem *query, const struct ln_roster_item *item, bool removed);

/* "12345-67": the version as clients see it. */
#define ROSTER_VERSION_MAX 24
const char *roster_version(const struct ln_account *account, char out[ROSTER_VERSION_MAX]);

#endif
