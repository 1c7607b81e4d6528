/*
 * Archives: what was said at an entity, kept on disk in order (XEP-0313).
 *
 * Every message gets an id that tells nobody anything and that the server can
 * sort: one AES block of {archive, position}. The id is what `stanza-id`
 * (XEP-0359) says, so it is made whether or not the message is stored.
 *
 *	ln_archive_id(node, id);
 *	ln_stamp(st, ln_node_jid(node), id);
 *	ln_archive_add(node, id, "romeo", st);		holds the sender's acknowledgement
 *
 * Everything here runs at the entity's home, in its turn.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_ARCHIVE_H
#define LINNET_ARCHIVE_H

#include "linnet/node.h"

#define LN_ARCHIVE_ID_LEN 32

/* A new id, behind all that came before. */
void ln_archive_id(const struct ln_node *node, char id_r[LN_ARCHIVE_ID_LEN + 1]);

/* Is this an id of this archive, whatever became of its message? */
bool ln_archive_knows(const struct ln_node *node, const char *id);

/* Stores a message under its id; `who` is what a query's `with` is compared with. */
void ln_archive_add(struct ln_node *node, const char *id, const char *who, int64_t wall_ms,
    const struct ln_elem *message);

/* Puts another message in its place (a retraction's tombstone). */
void ln_archive_replace(struct ln_node *node, const char *id, const struct ln_elem *message);

/* Drops all but the newest `keep` messages, and those older than `before` (wall-clock ms; 0: none);
 * some hundred at a time. */
void ln_archive_trim(struct ln_node *node, int64_t keep, int64_t before);

struct ln_archive_query {
	const char *after, *before; /* ids; NULL: none. `before` "": the last page (XEP-0059) */
	const char *after_id, *before_id; /* the form's (XEP-0313 §4.1.3) */
	int64_t start, end;               /* wall-clock ms; 0: open */
	const char *with;
	const char *const *ids; /* exactly these, in this order, NULL at the end; NULL: all */
	int64_t index;          /* so many that are found come before the page; with `count_max` */
	unsigned max;
	unsigned count_max; /* count what is found on all pages, up to this; 0: do not */
};

struct ln_archived {
	const char *id;
	int64_t wall_ms;
	const struct ln_elem *message;
};

struct ln_archive_page {
	bool ok;       /* false: the disk failed */
	bool complete; /* nothing lies beyond this page in the direction of paging */
	int64_t total; /* on all pages; -1: not counted, or more than `count_max` */
	int64_t index; /* how many come before the first of this page; -1: likewise */
	size_t count;
	const struct ln_archived *messages; /* oldest first; `ids` as they were asked for */
};

typedef void ln_archive_fn(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_archive_page *page, void *arg);

/*
 * False: one of the ids is none of this archive's, or `after` or `before` none of `ids`; nothing is
 * read then. An `index` beyond `count_max` is an empty page, and `total` says if it is beyond the end
 * too. Else `done` is called once,
 * with the token (may be NULL); if the node is gone meanwhile, the token was refused, and `mod`,
 * `node` and `token` are NULL.
 */
bool ln_archive_read(struct ln_node *node, const struct ln_archive_query *query,
    struct ln_token *token, ln_archive_fn *done, void *arg);

#endif
