/*
 * The fields of a room's configuration (XEP-0045 §15.5.4). See config.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum field_kind {
	FIELD_TEXT,   /* char * */
	FIELD_LINES,  /* the same, as text-multi */
	FIELD_SECRET, /* the same, as text-private */
	FIELD_BOOL,
	FIELD_WORD,  /* int: one of some words */
	FIELD_ROLES, /* unsigned: ROLE_BITs */
	FIELD_USERS, /* int64_t: a number, or none */
	FIELD_COUNT  /* int64_t */
};

struct field {
	const char *var;
	enum field_kind kind;
	size_t offset;
	const char *label;
	const char *const *words;   /* FIELD_WORD */
	const char *on, *off;       /* FIELD_BOOL: features */
	const char *const *choices; /* FIELD_WORD: features by word */
};

#define AT(member) offsetof(struct room_config, member)
static const char *const pm_words[] = { "anyone", "participants", "moderators", "none", NULL };
static const char *const whois_words[] = { "moderators", "anyone", NULL };
static const char *const whois_features[] = { "muc_semianonymous", "muc_nonanonymous" };
static const char *const roles[] = { NULL, "visitor", "participant", "moderator" };

static const struct field fields[] = {
	{ "muc#roomconfig_roomname", FIELD_TEXT, AT(name), "Name of the room" },
	{ "muc#roomconfig_roomdesc", FIELD_TEXT, AT(description), "What it is for" },
	{ "muc#roomconfig_lang", FIELD_TEXT, AT(language), "Language spoken in it" },
	{ "muc#roomconfig_persistentroom", FIELD_BOOL, AT(persistent),
	    "Stays when the last one has left?", NULL, "muc_persistent", "muc_temporary" },
	{ "muc#roomconfig_publicroom", FIELD_BOOL, AT(is_public), "Listed for everybody?", NULL,
	    "muc_public", "muc_hidden" },
	{ "muc#roomconfig_membersonly", FIELD_BOOL, AT(members_only), "For members only?", NULL,
	    "muc_membersonly", "muc_open" },
	{ "muc#roomconfig_moderatedroom", FIELD_BOOL, AT(moderated),
	    "Do newcomers have to ask for voice?", NULL, "muc_moderated", "muc_unmoderated" },
	{ "muc#roomconfig_passwordprotectedroom", FIELD_BOOL, AT(protected),
	    "Is a password needed to enter?", NULL, "muc_passwordprotected", "muc_unsecured" },
	{ "muc#roomconfig_roomsecret", FIELD_SECRET, AT(password), "The password" },
	{ "muc#roomconfig_whois", FIELD_WORD, AT(whois), "Who sees real addresses?", whois_words,
	    NULL, NULL, whois_features },
	{ "muc#roomconfig_changesubject", FIELD_BOOL, AT(change_subject),
	    "May participants change the subject?" },
	{ "muc#roomconfig_allowinvites", FIELD_BOOL, AT(allow_invites),
	    "May participants invite others?" },
	{ "muc#roomconfig_allowpm", FIELD_WORD, AT(allow_pm), "Who may send private messages?",
	    pm_words },
	{ "muc#roomconfig_presencebroadcast", FIELD_ROLES, AT(broadcast),
	    "Whose presence is shown to all?" },
	{ "muc#roomconfig_getmemberlist", FIELD_ROLES, AT(member_list),
	    "Who may see the list of members?" },
	{ "muc#roomconfig_enablelogging", FIELD_BOOL, AT(archive), "Archive what is said?" },
	{ "muc#roomconfig_maxusers", FIELD_USERS, AT(max_users), "How many may be in it at once?" },
	{ "muc#maxhistoryfetch", FIELD_COUNT, AT(max_history), "Messages shown to newcomers" },
	{ "{urn:linnet:room}roomconfig_locknicks", FIELD_BOOL, AT(lock_nicks),
	    "Are those who registered a nickname always called so?" },
	{ "muc#roomconfig_pubsub", FIELD_TEXT, AT(pubsub), "Node of publish-subscribe" },
};
#define FIELDS (sizeof fields / sizeof *fields)

static void *
at(const struct room_config *config, const struct field *field)
{
	return (char *)config + field->offset;
}

static bool
is_text(const struct field *field)
{
	return field->kind == FIELD_TEXT || field->kind == FIELD_LINES ||
	    field->kind == FIELD_SECRET;
}

/* --- making ------------------------------------------------------------------------------- */

void
config_default(struct room_config *config, int64_t history, bool archive)
{
	*config = (struct room_config){ .is_public = true,
		.allow_invites = true,
		.broadcast = ALL_ROLES,
		.member_list = ROLE_BIT(2) | ROLE_BIT(3),
		.archive = archive,
		.max_history = history };
}

static char *
copy(const char *text)
{
	char *made = text != NULL ? strdup(text) : NULL;

	if (text != NULL && made == NULL)
		abort();
	return made;
}

void
config_copy(struct room_config *to, const struct room_config *from)
{
	*to = *from;
	for (size_t i = 0; i < FIELDS; i++) {
		char **text = at(to, &fields[i]);

		if (is_text(&fields[i]))
			*text = copy(*text);
	}
}

void
config_free(struct room_config *config)
{
	for (size_t i = 0; i < FIELDS; i++) {
		char **text = at(config, &fields[i]);

		if (is_text(&fields[i]))
			free(*text);
	}
	memset(config, 0, sizeof *config);
}

/* --- writing --------------------------------------------------------------------------------- */

static const char *
form_type_of(const struct field *field)
{
	static const char *const types[] = { "text-single", "text-multi", "text-private", "boolean",
		"list-single", "list-multi", "list-single", "text-single" };

	return types[field->kind];
}

static void
write_number(struct ln_elem *elem, int64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)number);
	ln_form_value(elem, text);
}

static void
write_value(struct ln_elem *elem, const struct field *field, const struct room_config *config)
{
	const void *value = at(config, field);

	switch (field->kind) {
	case FIELD_BOOL:
		ln_form_bool(elem, *(const bool *)value);
		break;
	case FIELD_WORD:
		ln_form_value(elem, field->words[*(const int *)value]);
		break;
	case FIELD_ROLES:
		for (unsigned role = 1; role <= 3; role++)
			if (*(const unsigned *)value & ROLE_BIT(role))
				ln_form_value(elem, roles[role]);
		break;
	case FIELD_USERS:
		if (*(const int64_t *)value == 0)
			ln_form_value(elem, "none");
		else
			write_number(elem, *(const int64_t *)value);
		break;
	case FIELD_COUNT:
		write_number(elem, *(const int64_t *)value);
		break;
	default:
		ln_form_value(elem, *(char *const *)value != NULL ? *(char *const *)value : "");
	}
}

static void
write_users_options(struct ln_elem *elem, int64_t max_users)
{
	static const int numbers[] = { 10, 20, 30, 50, 100, 500, 1000, 5000 };
	char text[16];

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers && numbers[i] <= max_users; i++) {
		snprintf(text, sizeof text, "%d", numbers[i]);
		ln_form_option(elem, text, text);
	}
	ln_form_option(elem, "as many as the service allows", "none");
}

static void
write_options(struct ln_elem *elem, const struct field *field, int64_t max_users)
{
	if (field->kind == FIELD_WORD)
		for (const char *const *word = field->words; *word != NULL; word++)
			ln_form_option(elem, *word, *word);
	if (field->kind == FIELD_ROLES)
		for (unsigned role = 1; role <= 3; role++)
			ln_form_option(elem, roles[role], roles[role]);
	if (field->kind == FIELD_USERS)
		write_users_options(elem, max_users);
}

void
config_write(struct ln_elem *form, const struct room_config *config, bool labels, int64_t max_users)
{
	for (size_t i = 0; i < FIELDS; i++) {
		struct ln_elem *elem = ln_form_field(form, fields[i].var, form_type_of(&fields[i]),
		    labels ? fields[i].label : NULL);

		write_value(elem, &fields[i], config);
		if (labels)
			write_options(elem, &fields[i], max_users);
	}
}

/* --- reading ------------------------------------------------------------------------------------ */

static const char *
read_text(const char *text, char **out)
{
	if (strlen(text) > CONFIG_TEXT_MAX)
		return "A text has at most 1024 bytes.";
	free(*out);
	*out = *text != '\0' ? copy(text) : NULL;
	return NULL;
}

static const char *
read_bool(const char *text, bool *out)
{
	if (strcmp(text, "1") == 0 || strcmp(text, "true") == 0)
		*out = true;
	else if (strcmp(text, "0") == 0 || strcmp(text, "false") == 0)
		*out = false;
	else
		return "A boolean field is 1 or 0.";
	return NULL;
}

static const char *
read_word(const char *text, const char *const *words, int *out)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], text) != 0)
			continue;
		*out = i;
		return NULL;
	}
	return "A list field has a value that was not offered.";
}

static const char *
read_count(const char *text, int64_t least, int64_t most, int64_t *out)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || number < least)
		return "A number field has no such number.";
	*out = number < most ? number : most;
	return NULL;
}

static const char *
read_roles(const struct ln_elem *elem, unsigned *out)
{
	const struct ln_elem *value;
	unsigned found = 0;

	for (value = ln_form_first_value(elem); value != NULL; value = ln_form_next_value(value)) {
		unsigned role = 1;

		while (role <= 3 && strcmp(ln_elem_text(value), roles[role]) != 0)
			role++;
		if (role > 3)
			return "A list field has a value that was not offered.";
		found |= ROLE_BIT(role);
	}
	*out = found;
	return NULL;
}

static const char *
read_field(const struct field *field, const char *text, struct room_config *config,
    int64_t max_users, int64_t max_history)
{
	void *value = at(config, field);

	switch (field->kind) {
	case FIELD_BOOL:
		return read_bool(text, value);
	case FIELD_WORD:
		return read_word(text, field->words, value);
	case FIELD_USERS:
		if (strcmp(text, "none") == 0 || *text == '\0') {
			*(int64_t *)value = 0;
			return NULL;
		}
		return read_count(text, 1, max_users, value);
	case FIELD_COUNT:
		return read_count(text, 0, max_history, value);
	default:
		return read_text(text, value);
	}
}

static const char *
check(const struct room_config *config)
{
	if (config->protected && config->password == NULL)
		return "A room that needs a password has one.";
	return NULL;
}

const char *
config_read(const struct ln_elem *form, struct room_config *config, int64_t max_users,
    int64_t max_history)
{
	const char *wrong = NULL;

	for (size_t i = 0; i < FIELDS && wrong == NULL; i++) {
		const struct ln_elem *elem = ln_form_get(form, fields[i].var);

		if (elem == NULL)
			continue;
		if (fields[i].kind == FIELD_ROLES)
			wrong = read_roles(elem, at(config, &fields[i]));
		else
			wrong = read_field(&fields[i], ln_form_text(form, fields[i].var), config,
			    max_users, max_history);
	}
	return wrong != NULL ? wrong : check(config);
}

const char *
config_set(struct room_config *config, const char *var, const char *value, int64_t max_users,
    int64_t max_history)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const char *wrong, *name = strchr(fields[i].var, '_');

		if (strcmp(fields[i].var, var) != 0 && (name == NULL || strcmp(name + 1, var) != 0))
			continue;
		if (fields[i].kind == FIELD_ROLES)
			return "This field is set with a client.";
		wrong = read_field(&fields[i], value, config, max_users, max_history);
		return wrong != NULL ? wrong : check(config);
	}
	return "There is no such field.";
}

/* --- what it means --------------------------------------------------------------------------------- */

void
config_features(const struct room_config *config, void (*add)(void *arg, const char *feature),
    void *arg)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const void *value = at(config, &fields[i]);

		if (fields[i].on != NULL)
			add(arg, *(const bool *)value ? fields[i].on : fields[i].off);
		if (fields[i].choices != NULL)
			add(arg, fields[i].choices[*(const int *)value]);
	}
}

void
config_each(const struct room_config *config,
    void (*each)(void *arg, const char *var, const char *value), void *arg)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const void *value = at(config, &fields[i]);
		char text[64];

		switch (fields[i].kind) {
		case FIELD_BOOL:
			each(arg, fields[i].var, *(const bool *)value ? "1" : "0");
			break;
		case FIELD_WORD:
			each(arg, fields[i].var, fields[i].words[*(const int *)value]);
			break;
		case FIELD_USERS:
		case FIELD_COUNT:
			snprintf(text, sizeof text, "%lld", (long long)*(const int64_t *)value);
			each(arg, fields[i].var, text);
			break;
		case FIELD_ROLES:
			snprintf(text, sizeof text, "%s%s%s",
			    *(const unsigned *)value & ROLE_BIT(1) ? "visitor " : "",
			    *(const unsigned *)value & ROLE_BIT(2) ? "participant " : "",
			    *(const unsigned *)value & ROLE_BIT(3) ? "moderator" : "");
			each(arg, fields[i].var, text);
			break;
		case FIELD_SECRET:
			break; /* never shown */
		default:
			each(arg, fields[i].var,
			    *(char *const *)value != NULL ? *(char *const *)value : "");
		}
	}
}
