/*
 * Roles and affiliations, and what they may do (XEP-0045 §5). Pure: tables and
 * decisions, without a room.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MUC_PRIVILEGE_H
#define MUC_PRIVILEGE_H

#include <linnet/stanza.h>

#include <stdbool.h>

/* In the order of what they may do. */
enum role { ROLE_NONE, ROLE_VISITOR, ROLE_PARTICIPANT, ROLE_MODERATOR, ROLES };
enum affiliation { AFF_OUTCAST, AFF_NONE, AFF_MEMBER, AFF_ADMIN, AFF_OWNER, AFFILIATIONS };

const char *role_name(enum role role);
const char *affiliation_name(enum affiliation affiliation);

/* -1: no such word. */
int role_of_name(const char *name);
int affiliation_of_name(const char *name);

/* With what role somebody enters (§5.1.2). */
enum role role_at_entry(enum affiliation affiliation, bool moderated);

/* The role of somebody who is in when his affiliation changes (§5.1.3). */
enum role role_after(enum role role, enum affiliation before, enum affiliation now, bool moderated);

/* Somebody who asks for a change, or whom it concerns. */
struct person {
	enum role role;
	enum affiliation affiliation;
	bool self; /* both are the same one */
};

/* LN_ERR_COUNT: it may be done. */
enum ln_error check_role_change(const struct person *actor, const struct person *target,
    enum role role);
enum ln_error check_affiliation_change(const struct person *actor, const struct person *target,
    enum affiliation affiliation, unsigned owners);

/* What somebody who wants to enter brings, and finds. */
struct entry {
	enum affiliation affiliation;
	bool locked, members_only, full;
	bool password_wrong;
	bool nick_taken;    /* by somebody else who is in */
	bool nick_reserved; /* for somebody else */
};
enum ln_error check_entry(const struct entry *entry);

#endif
