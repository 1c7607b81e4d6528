/*
 * Roles, affiliations and the configuration of rooms: what has no room in it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "linnet/form.h"
#include "muc/config.h"
#include "muc/privilege.h"

#define OK LN_ERR_COUNT

/* --- roles and affiliations ------------------------------------------------------------- */

START_TEST(names)
{
	for (int i = 0; i < ROLES; i++)
		ck_assert_int_eq(role_of_name(role_name((enum role)i)), i);
	for (int i = 0; i < AFFILIATIONS; i++)
		ck_assert_int_eq(affiliation_of_name(affiliation_name((enum affiliation)i)), i);
	ck_assert_int_eq(role_of_name("king"), -1);
	ck_assert_int_eq(affiliation_of_name(NULL), -1);
}
END_TEST

/* XEP-0045 §5.1.2 */
START_TEST(entry_roles)
{
	ck_assert_int_eq(role_at_entry(AFF_NONE, false), ROLE_PARTICIPANT);
	ck_assert_int_eq(role_at_entry(AFF_NONE, true), ROLE_VISITOR);
	ck_assert_int_eq(role_at_entry(AFF_MEMBER, true), ROLE_PARTICIPANT);
	ck_assert_int_eq(role_at_entry(AFF_ADMIN, true), ROLE_MODERATOR);
	ck_assert_int_eq(role_at_entry(AFF_OWNER, false), ROLE_MODERATOR);
}
END_TEST

static const struct {
	enum role role;
	enum affiliation before, now;
	bool moderated;
	enum role after;
} changed[] = {
	{ ROLE_PARTICIPANT, AFF_NONE, AFF_ADMIN, false, ROLE_MODERATOR },
	{ ROLE_VISITOR, AFF_NONE, AFF_MEMBER, true, ROLE_PARTICIPANT },
	{ ROLE_MODERATOR, AFF_NONE, AFF_MEMBER, false, ROLE_MODERATOR },
	{ ROLE_MODERATOR, AFF_ADMIN, AFF_MEMBER, false, ROLE_PARTICIPANT },
	{ ROLE_MODERATOR, AFF_OWNER, AFF_ADMIN, false, ROLE_MODERATOR },
	{ ROLE_PARTICIPANT, AFF_MEMBER, AFF_NONE, true, ROLE_VISITOR },
};

START_TEST(roles_follow)
{
	ck_assert_int_eq(role_after(changed[_i].role, changed[_i].before, changed[_i].now,
			     changed[_i].moderated),
	    changed[_i].after);
}
END_TEST

#define WHO(role_, affiliation_)                                        \
	{                                                               \
		.role = ROLE_##role_, .affiliation = AFF_##affiliation_ \
	}

/* §8.2 to §9.7: who, whom, to what. */
static const struct {
	struct person actor, target;
	enum role role;
	enum ln_error error;
} role_changes[] = {
	{ WHO(MODERATOR, NONE), WHO(PARTICIPANT, NONE), ROLE_NONE, OK },
	{ WHO(PARTICIPANT, NONE), WHO(VISITOR, NONE), ROLE_NONE, LN_ERR_FORBIDDEN },
	{ WHO(MODERATOR, MEMBER), WHO(MODERATOR, ADMIN), ROLE_NONE, LN_ERR_NOT_ALLOWED },
	{ WHO(MODERATOR, ADMIN), WHO(MODERATOR, OWNER), ROLE_NONE, LN_ERR_NOT_ALLOWED },
	{ WHO(MODERATOR, OWNER), WHO(MODERATOR, ADMIN), ROLE_NONE, OK },
	{ WHO(MODERATOR, NONE), WHO(VISITOR, NONE), ROLE_PARTICIPANT, OK },
	{ WHO(MODERATOR, NONE), WHO(PARTICIPANT, NONE), ROLE_VISITOR, OK },
	{ WHO(MODERATOR, MEMBER), WHO(PARTICIPANT, MEMBER), ROLE_VISITOR, LN_ERR_NOT_ALLOWED },
	{ WHO(MODERATOR, OWNER), WHO(MODERATOR, ADMIN), ROLE_VISITOR, LN_ERR_NOT_ALLOWED },
	{ WHO(MODERATOR, MEMBER), WHO(PARTICIPANT, NONE), ROLE_MODERATOR, LN_ERR_FORBIDDEN },
	{ WHO(MODERATOR, ADMIN), WHO(PARTICIPANT, NONE), ROLE_MODERATOR, OK },
	{ WHO(MODERATOR, ADMIN), WHO(MODERATOR, NONE), ROLE_PARTICIPANT, OK },
	{ WHO(MODERATOR, OWNER), WHO(MODERATOR, ADMIN), ROLE_PARTICIPANT, LN_ERR_NOT_ALLOWED },
	{ WHO(MODERATOR, NONE), WHO(MODERATOR, NONE), ROLE_PARTICIPANT, LN_ERR_FORBIDDEN },
};

START_TEST(roles)
{
	ck_assert_int_eq(check_role_change(&role_changes[_i].actor, &role_changes[_i].target,
			     role_changes[_i].role),
	    role_changes[_i].error);
}
END_TEST

static const struct {
	struct person actor, target;
	bool self;
	enum affiliation affiliation;
	unsigned owners;
	enum ln_error error;
} affiliation_changes[] = {
	{ WHO(MODERATOR, MEMBER), WHO(PARTICIPANT, NONE), false, AFF_MEMBER, 1, LN_ERR_FORBIDDEN },
	{ WHO(MODERATOR, ADMIN), WHO(PARTICIPANT, NONE), false, AFF_MEMBER, 1, OK },
	{ WHO(MODERATOR, ADMIN), WHO(PARTICIPANT, NONE), false, AFF_OUTCAST, 1, OK },
	{ WHO(MODERATOR, ADMIN), WHO(MODERATOR, OWNER), false, AFF_OUTCAST, 2, LN_ERR_NOT_ALLOWED },
	{ WHO(MODERATOR, ADMIN), WHO(MODERATOR, ADMIN), false, AFF_NONE, 1, LN_ERR_NOT_ALLOWED },
	{ WHO(MODERATOR, ADMIN), WHO(PARTICIPANT, NONE), false, AFF_ADMIN, 1, LN_ERR_FORBIDDEN },
	{ WHO(MODERATOR, ADMIN), WHO(MODERATOR, ADMIN), true, AFF_OUTCAST, 1, LN_ERR_CONFLICT },
	{ WHO(MODERATOR, ADMIN), WHO(MODERATOR, ADMIN), true, AFF_MEMBER, 1, OK },
	{ WHO(MODERATOR, OWNER), WHO(MODERATOR, OWNER), true, AFF_ADMIN, 1, LN_ERR_CONFLICT },
	{ WHO(MODERATOR, OWNER), WHO(MODERATOR, OWNER), true, AFF_ADMIN, 2, OK },
	{ WHO(MODERATOR, OWNER), WHO(MODERATOR, ADMIN), false, AFF_OWNER, 1, OK },
	{ WHO(NONE, OWNER), WHO(NONE, MEMBER), false, AFF_NONE, 1, OK },
};

START_TEST(affiliations)
{
	struct person actor = affiliation_changes[_i].actor;

	actor.self = affiliation_changes[_i].self;
	ck_assert_int_eq(check_affiliation_change(&actor, &affiliation_changes[_i].target,
			     affiliation_changes[_i].affiliation, affiliation_changes[_i].owners),
	    affiliation_changes[_i].error);
}
END_TEST

static const struct {
	struct entry entry;
	enum ln_error error;
} entries[] = {
	{ { .affiliation = AFF_NONE }, OK },
	{ { .affiliation = AFF_NONE, .locked = true }, LN_ERR_ITEM_NOT_FOUND },
	{ { .affiliation = AFF_OUTCAST, .members_only = true }, LN_ERR_FORBIDDEN },
	{ { .affiliation = AFF_NONE, .members_only = true, .password_wrong = true },
	    LN_ERR_REGISTRATION_REQUIRED },
	{ { .affiliation = AFF_MEMBER, .members_only = true }, OK },
	{ { .affiliation = AFF_OWNER, .password_wrong = true }, LN_ERR_NOT_AUTHORIZED },
	{ { .affiliation = AFF_NONE, .nick_taken = true, .full = true }, LN_ERR_CONFLICT },
	{ { .affiliation = AFF_NONE, .nick_reserved = true }, LN_ERR_CONFLICT },
	{ { .affiliation = AFF_MEMBER, .full = true }, LN_ERR_SERVICE_UNAVAILABLE },
	{ { .affiliation = AFF_ADMIN, .full = true }, OK },
};

START_TEST(entering)
{
	ck_assert_int_eq(check_entry(&entries[_i].entry), entries[_i].error);
}
END_TEST

/* --- configuration ------------------------------------------------------------------------- */

/* What is written can be read, and says the same. */
START_TEST(config_round_trip)
{
	struct arena *arena = arena_new(1024);
	struct ln_elem *parent = ln_elem_new(arena, "room", "x");
	struct room_config config, again;

	config_default(&config, 20, true);
	ck_assert_ptr_null(config_set(&config, "roomname", "A Dark Cave", 100, 20));
	ck_assert_ptr_null(config_set(&config, "muc#roomconfig_whois", "anyone", 100, 20));
	ck_assert_ptr_null(config_set(&config, "maxusers", "500", 100, 20));
	ck_assert_int_eq(config.max_users, 100);
	config_write(ln_form_add(parent, "submit", NS_MUC_ROOMCONFIG), &config, false, 100);
	config_default(&again, 5, false);
	ck_assert_ptr_null(config_read(ln_form_find(parent, "submit"), &again, 100, 20));
	ck_assert_str_eq(again.name, "A Dark Cave");
	ck_assert_int_eq(again.whois, WHOIS_ANYONE);
	ck_assert(again.archive && again.is_public && !again.persistent);
	ck_assert_int_eq(again.max_users, 100);
	ck_assert_int_eq(again.max_history, 20);
	ck_assert_uint_eq(again.broadcast, ALL_ROLES);
	config_free(&config);
	config_free(&again);
	arena_free(&arena);
}
END_TEST

static const struct {
	const char *var, *value;
	bool ok;
} settings[] = {
	{ "persistentroom", "1", true },
	{ "persistentroom", "true", true },
	{ "persistentroom", "yes", false },
	{ "allowpm", "moderators", true },
	{ "allowpm", "", false },
	{ "maxusers", "none", true },
	{ "maxusers", "0", false },
	{ "muc#maxhistoryfetch", "0", true },
	{ "muc#maxhistoryfetch", "7x", false },
	{ "passwordprotectedroom", "1", false }, /* without a password */
	{ "witchcraft", "1", false },
	{ "roomsecret", "cauldronburn", true },
};

START_TEST(config_settings)
{
	struct room_config config;

	config_default(&config, 20, true);
	ck_assert_int_eq(config_set(&config, settings[_i].var, settings[_i].value, 100, 20) == NULL,
	    settings[_i].ok);
	config_free(&config);
}
END_TEST

Suite *suite(void);

#define ROWS(table) (int)(sizeof(table) / sizeof *(table))

Suite *
suite(void)
{
	Suite *s = suite_create("muc");
	TCase *tc = tcase_create("muc");

	tcase_add_test(tc, names);
	tcase_add_test(tc, entry_roles);
	tcase_add_loop_test(tc, roles_follow, 0, ROWS(changed));
	tcase_add_loop_test(tc, roles, 0, ROWS(role_changes));
	tcase_add_loop_test(tc, affiliations, 0, ROWS(affiliation_changes));
	tcase_add_loop_test(tc, entering, 0, ROWS(entries));
	tcase_add_test(tc, config_round_trip);
	tcase_add_loop_test(tc, config_settings, 0, ROWS(settings));
	suite_add_tcase(s, tc);
	return s;
}
