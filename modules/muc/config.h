/*
 * A room's configuration: its fields as one table, from which come the form, the
 * reading of what was submitted, the document on disk and the features.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MUC_CONFIG_H
#define MUC_CONFIG_H

#include <linnet/form.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_MUC_ROOMCONFIG "http://jabber.org/protocol/muc#roomconfig"

#define CONFIG_TEXT_MAX 1024 /* bytes of one text */

enum allow_pm { PM_ANYONE, PM_PARTICIPANTS, PM_MODERATORS, PM_NONE };
enum whois { WHOIS_MODERATORS, WHOIS_ANYONE };

/* Bits by enum role. */
#define ROLE_BIT(role) (1u << (role))
#define ALL_ROLES (ROLE_BIT(1) | ROLE_BIT(2) | ROLE_BIT(3))

struct room_config {
	char *name, *description, *language, *password, *pubsub; /* NULL: none */
	bool persistent, is_public, members_only, moderated, protected;
	bool change_subject, allow_invites, archive;
	bool lock_nicks;                 /* who has a nickname here is called so */
	int allow_pm;                    /* enum allow_pm */
	int whois;                       /* enum whois */
	unsigned broadcast, member_list; /* ROLE_BITs */
	int64_t max_users;               /* 0: as many as the service allows */
	int64_t max_history;
};

void config_default(struct room_config *config, int64_t history, bool archive);
void config_copy(struct room_config *to, const struct room_config *from);
void config_free(struct room_config *config);

/* Adds the fields: as a form to fill in (with labels and options), or plain. */
void config_write(struct ln_elem *form, const struct room_config *config, bool labels,
    int64_t max_users);

/* Reads what is there of them; what is not there stays. NULL, or what is wrong. */
const char *config_read(const struct ln_elem *form, struct room_config *config, int64_t max_users,
    int64_t max_history);

/* Sets one field from a text, for a command. NULL, or what is wrong. */
const char *config_set(struct room_config *config, const char *var, const char *value,
    int64_t max_users, int64_t max_history);

/* "muc_moderated", "muc_unmoderated" ... */
void config_features(const struct room_config *config, void (*add)(void *arg, const char *feature),
    void *arg);

/* Calls `each` with every field's name and its value as text. */
void config_each(const struct room_config *config,
    void (*each)(void *arg, const char *var, const char *value), void *arg);

#endif
