/*
 * Roles and affiliations. See privilege.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/privilege.h"

#include <string.h>

static const char *const role_names[ROLES] = { "none", "visitor", "participant", "moderator" };
static const char *const affiliation_names[AFFILIATIONS] = { "outcast", "none", "member", "admin",
	"owner" };

static int
find(const char *const *names, int count, const char *name)
{
	for (int i = 0; name != NULL && i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *
role_name(enum role role)
{
	return role_names[role];
}

const char *
affiliation_name(enum affiliation affiliation)
{
	return affiliation_names[affiliation];
}

int
role_of_name(const char *name)
{
	return find(role_names, ROLES, name);
}

int
affiliation_of_name(const char *name)
{
	return find(affiliation_names, AFFILIATIONS, name);
}

/* §5.1.2: by affiliation, in a moderated room and in others. */
static const enum role entry_roles[AFFILIATIONS][2] = {
	[AFF_OUTCAST] = { ROLE_NONE, ROLE_NONE },
	[AFF_NONE] = { ROLE_PARTICIPANT, ROLE_VISITOR },
	[AFF_MEMBER] = { ROLE_PARTICIPANT, ROLE_PARTICIPANT },
	[AFF_ADMIN] = { ROLE_MODERATOR, ROLE_MODERATOR },
	[AFF_OWNER] = { ROLE_MODERATOR, ROLE_MODERATOR },
};

enum role
role_at_entry(enum affiliation affiliation, bool moderated)
{
	return entry_roles[affiliation][moderated];
}

/* What is gained comes with the affiliation; what goes with a lost one is what entering gives. */
enum role
role_after(enum role role, enum affiliation before, enum affiliation now, bool moderated)
{
	enum role given = role_at_entry(now, moderated);

	if (now < before)
		return given;
	return given > role ? given : role;
}

/*
 * §5.1.1 and §8, §9: moderators give and take voice and kick; moderators are made and unmade by
 * admins. Nobody touches those who are above him, and no role is taken from an admin or owner.
 */
enum ln_error
check_role_change(const struct person *actor, const struct person *target, enum role role)
{
	if (actor->role != ROLE_MODERATOR)
		return LN_ERR_FORBIDDEN;
	if (role == ROLE_MODERATOR || (target->role == ROLE_MODERATOR && role != ROLE_NONE)) {
		if (actor->affiliation < AFF_ADMIN)
			return LN_ERR_FORBIDDEN;
	}
	if (role == ROLE_NONE) {
		if (actor->self)
			return LN_ERR_COUNT;
		if (target->affiliation > actor->affiliation)
			return LN_ERR_NOT_ALLOWED;
		if (target->role == ROLE_MODERATOR && target->affiliation == actor->affiliation &&
		    actor->affiliation < AFF_ADMIN)
			return LN_ERR_NOT_ALLOWED;
		return LN_ERR_COUNT;
	}
	if (role < target->role && target->affiliation >= AFF_ADMIN)
		return LN_ERR_NOT_ALLOWED;
	if (role == ROLE_VISITOR && target->affiliation >= actor->affiliation &&
	    target->affiliation > AFF_NONE)
		return LN_ERR_NOT_ALLOWED;
	return LN_ERR_COUNT;
}

/* §5.2.1: admins edit members and outcasts, owners all; the last owner stays. */
enum ln_error
check_affiliation_change(const struct person *actor, const struct person *target,
    enum affiliation affiliation, unsigned owners)
{
	if (actor->affiliation < AFF_ADMIN)
		return LN_ERR_FORBIDDEN;
	if (actor->self && affiliation == AFF_OUTCAST)
		return LN_ERR_CONFLICT;
	if (actor->affiliation < AFF_OWNER && affiliation >= AFF_ADMIN)
		return LN_ERR_FORBIDDEN;
	if (actor->affiliation < AFF_OWNER && target->affiliation >= AFF_ADMIN && !actor->self)
		return LN_ERR_NOT_ALLOWED;
	if (target->affiliation == AFF_OWNER && affiliation != AFF_OWNER && owners <= 1)
		return LN_ERR_CONFLICT;
	return LN_ERR_COUNT;
}

/* §7.2, in this order: what concerns the person, then the room, then the nick. */
enum ln_error
check_entry(const struct entry *entry)
{
	if (entry->locked)
		return LN_ERR_ITEM_NOT_FOUND;
	if (entry->affiliation == AFF_OUTCAST)
		return LN_ERR_FORBIDDEN;
	if (entry->members_only && entry->affiliation < AFF_MEMBER)
		return LN_ERR_REGISTRATION_REQUIRED;
	if (entry->password_wrong)
		return LN_ERR_NOT_AUTHORIZED;
	if (entry->nick_taken || entry->nick_reserved)
		return LN_ERR_CONFLICT;
	if (entry->full && entry->affiliation < AFF_ADMIN)
		return LN_ERR_SERVICE_UNAVAILABLE;
	return LN_ERR_COUNT;
}
