/*
 * Archives. See linnet/archive.h.
 *
 * A row is found by its position, which orders all that the server ever stored;
 * a query is a range of positions, narrowed by time and by who spoke.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/archive.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "core/iq.h"
#include "core/node.h"
#include "core/work.h"

#define KEY_LEN 16
#define BLOCK 16
#define TRIM_ROWS 500

static const char *const steps[] = {
	"CREATE TABLE archive_message ("
	" position INTEGER PRIMARY KEY,"
	" owner INTEGER NOT NULL REFERENCES entity (number) ON DELETE CASCADE,"
	" stamp INTEGER NOT NULL,"
	" who TEXT NOT NULL,"
	" message BLOB NOT NULL);"
	"CREATE INDEX archive_by_owner ON archive_message (owner, position, stamp, who);",
	NULL,
};
const struct store_schema archive_schema = { "archive", "message", steps };

static const struct store_sql sql_add = {
	"INSERT INTO archive_message (position, owner, stamp, who, message) VALUES (?, ?, ?, ?, ?)"
};
static const struct store_sql sql_replace = {
	"UPDATE archive_message SET message = ? WHERE position = ? AND owner = ?"
};
#define FOUND                                                                     \
	" FROM archive_message WHERE owner = ? AND position > ? AND position < ?" \
	" AND stamp >= ? AND stamp <= ? AND (who = ? OR ? IS NULL)"
#define RANGE "SELECT position, stamp, message" FOUND
static const struct store_sql sql_forward = { RANGE " ORDER BY position LIMIT ? OFFSET ?" };
static const struct store_sql sql_backward = { RANGE " ORDER BY position DESC LIMIT ? OFFSET ?" };
static const struct store_sql sql_count = { "SELECT count(*) FROM (SELECT position" FOUND
					    " LIMIT ? OFFSET ?) AS found" };
static const struct store_sql sql_one = {
	"SELECT position, stamp, message FROM archive_message WHERE position = ? AND owner = ?"
};
static const struct store_sql sql_trim = {
	"DELETE FROM archive_message WHERE position IN (SELECT position FROM archive_message"
	" WHERE owner = ? AND position <= (SELECT position FROM archive_message WHERE owner = ?"
	" ORDER BY position DESC LIMIT 1 OFFSET ?) ORDER BY position LIMIT ?)"
};
static const struct store_sql sql_expire = {
	"DELETE FROM archive_message WHERE position IN (SELECT position FROM archive_message"
	" WHERE owner = ? AND stamp < ? ORDER BY position LIMIT ?)"
};

/* --- ids -------------------------------------------------------------------------------- */

static uint8_t key[KEY_LEN];

bool
archive_init(struct store *store)
{
	return store_secret(store, "archive-id", key, sizeof key);
}

/* One block of AES: encrypts or decrypts {archive, position}. */
static void
crypt_block(const uint64_t in[2], uint64_t out[2], bool encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;

	if (ctx == NULL ||
	    EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_CipherUpdate(ctx, (unsigned char *)out, &len, (const unsigned char *)in, BLOCK) !=
		1)
		abort();
	EVP_CIPHER_CTX_free(ctx);
}

static void
to_hex(const uint64_t block[2], char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = (const uint8_t *)block;

	for (int i = 0; i < BLOCK; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
from_hex(const char *text, uint64_t block[2])
{
	uint8_t *bytes = (uint8_t *)block;

	if (strlen(text) != LN_ARCHIVE_ID_LEN)
		return false;
	for (int i = 0; i < BLOCK; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void
write_id(const struct ln_node *node, int64_t position, char *id_r)
{
	const uint64_t plain[2] = { node->entity.jid.hash, (uint64_t)position };
	uint64_t block[2];

	crypt_block(plain, block, true);
	to_hex(block, id_r);
}

/* The position that an id of this archive names; 0: it is none of it. */
static int64_t
read_id(const struct ln_node *node, const char *id)
{
	uint64_t block[2], plain[2];

	if (!from_hex(id, block))
		return 0;
	crypt_block(block, plain, false);
	return plain[0] == node->entity.jid.hash && plain[1] <= INT64_MAX ? (int64_t)plain[1] : 0;
}

void
ln_archive_id(const struct ln_node *node, char id_r[LN_ARCHIVE_ID_LEN + 1])
{
	write_id(node, work_position(), id_r);
}

bool
ln_archive_knows(const struct ln_node *node, const char *id)
{
	return read_id(node, id) > 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

void
ln_archive_add(struct ln_node *node, const char *id, const char *who, int64_t wall_ms,
    const struct ln_elem *message)
{
	const char *bytes = ln_elem_print(work_arena(), message);

	if (node_writable(node))
		store_add(work_job(), &sql_add, store_int(read_id(node, id)), node_owner(node),
		    store_int(wall_ms), store_text(who), store_blob(bytes, strlen(bytes)));
}

void
ln_archive_replace(struct ln_node *node, const char *id, const struct ln_elem *message)
{
	const char *bytes = ln_elem_print(work_arena(), message);

	if (node_writable(node))
		store_add(work_job(), &sql_replace, store_blob(bytes, strlen(bytes)),
		    store_int(read_id(node, id)), node_owner(node));
}

void
ln_archive_trim(struct ln_node *node, int64_t keep, int64_t before)
{
	struct store_arg owner = node_owner(node);

	if (!node_writable(node))
		return;
	store_add(work_job(), &sql_trim, owner, owner, store_int(keep), store_int(TRIM_ROWS));
	if (before > 0)
		store_add(work_job(), &sql_expire, owner, store_int(before), store_int(TRIM_ROWS));
}

/* --- reading ------------------------------------------------------------------------------------- */

struct reading {
	struct ln_jid jid;
	uint64_t birth;
	struct ln_token *token;
	ln_archive_fn *done;
	void *arg;
	unsigned max, steps; /* steps > 0: that many ids were asked for */
	unsigned from, to;   /* those of them that are on the page */
	unsigned count_max;
	int64_t index;
	bool backward;
	bool placed; /* a step counts what lies before the page's end, or its start */
	char name[LN_JID_MAX + 1];
};

static bool
read_row(struct ln_node *node, struct arena *arena, const struct store_row *row,
    struct ln_archived *out)
{
	char *id = arena_alloc(arena, LN_ARCHIVE_ID_LEN + 1);
	const char *error;

	write_id(node, row->cell[0].integer, id);
	out->id = id;
	out->wall_ms = row->cell[1].integer;
	out->message = ln_elem_parse(arena, row->cell[2].bytes, row->cell[2].len, &error);
	if (out->message == NULL)
		log_error("core", "archived message cannot be read archive=%s reason=%s",
		    node->entity.jid.full, error);
	return out->message != NULL;
}

static void
reverse(struct ln_archived *list, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct ln_archived other = list[i];

		list[i] = list[count - 1 - i];
		list[count - 1 - i] = other;
	}
}

/* What a step has counted; -1: nothing, or too many. */
static int64_t
counted(struct store_job *job, const struct reading *reading, unsigned step)
{
	const struct store_row *row = reading->count_max > 0 ? store_rows(job, step) : NULL;

	if (row == NULL || row->cell[0].integer > reading->count_max)
		return -1;
	return row->cell[0].integer;
}

/* How many come before a page of so many rows. */
static int64_t
index_of(struct store_job *job, const struct reading *reading, int64_t total, unsigned rows)
{
	int64_t place = reading->index;

	if (reading->placed)
		place = counted(job, reading, 2);
	else if (reading->backward)
		place = total;
	return reading->backward && place >= 0 ? place - rows : place;
}

/* One row more than a page was asked for: is it there, there are more pages. */
static void
read_range(struct ln_node *node, struct store_job *job, const struct reading *reading,
    struct ln_archive_page *page)
{
	struct arena *arena = work_arena();
	struct ln_archived *list = arena_alloc(arena, (reading->max + 1) * sizeof *list);
	const struct store_row *row;
	unsigned seen = 0;

	for (row = store_rows(job, 0); row != NULL; row = row->next)
		if (seen++ < reading->max && read_row(node, arena, row, &list[page->count]))
			page->count++;
	page->complete = seen <= reading->max;
	page->total = counted(job, reading, 1);
	page->index = index_of(job, reading, page->total, seen - !page->complete);
	if (reading->backward)
		reverse(list, page->count);
	page->messages = list;
}

static void
read_ids(struct ln_node *node, struct store_job *job, const struct reading *reading,
    struct ln_archive_page *page)
{
	struct arena *arena = work_arena();
	struct ln_archived *list = arena_alloc(arena, reading->steps * sizeof *list);

	page->total = 0;
	for (unsigned i = 0; i < reading->steps; i++) {
		const struct store_row *row = store_rows(job, i);

		page->total += row != NULL;
		if (row != NULL && i >= reading->from && i < reading->to &&
		    read_row(node, arena, row, &list[page->count]))
			page->count++;
	}
	page->complete = reading->backward ? reading->from == 0 : reading->to == reading->steps;
	page->index = reading->from;
	page->messages = list;
}

static void
give_page(struct ln_node *node, struct store_job *job, struct reading *reading)
{
	struct ln_archive_page page = { .ok = store_job_outcome(job) == STORE_OK,
		.total = -1,
		.index = -1 };

	if (page.ok && reading->steps > 0)
		read_ids(node, job, reading, &page);
	else if (page.ok)
		read_range(node, job, reading, &page);
	reading->done(node_mod(node), node, reading->token, &page, reading->arg);
}

static void
page_read(struct store_job *job, void *arg)
{
	struct reading *reading = arg;
	struct ln_node *node = node_of(entity_of_birth(&reading->jid, reading->birth));

	if (node == NULL) {
		const struct ln_archive_page nothing = { .ok = false };

		if (reading->token != NULL)
			ln_token_refuse(&reading->token, LN_ERR_ITEM_NOT_FOUND, NULL);
		reading->done(NULL, NULL, NULL, &nothing, reading->arg);
		return;
	}
	work_begin(&node->entity, NULL);
	give_page(node, job, reading);
	work_end();
	entity_job_end(&reading->jid, reading->birth);
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Reads an id into *position_r, and keeps the stricter of both; false: none of this archive's. */
static bool
bound(const struct ln_node *node, const char *id, bool lower, int64_t *position_r)
{
	int64_t position;

	if (id == NULL || *id == '\0')
		return true;
	position = read_id(node, id);
	if (lower)
		*position_r = later(*position_r, position);
	else
		*position_r = position < *position_r ? position : *position_r;
	return position > 0;
}

/* Where an id is among those that were asked for; false: it is not. */
static bool
find(const char *const *ids, const char *id, unsigned *at_r)
{
	for (*at_r = 0; ids[*at_r] != NULL; (*at_r)++)
		if (strcmp(ids[*at_r], id) == 0)
			return true;
	return false;
}

/* The part of the ids that is on the page. */
static bool
slice(const struct ln_archive_query *query, struct reading *reading)
{
	unsigned from = 0, to = reading->steps;

	if (query->after != NULL) {
		if (!find(query->ids, query->after, &from))
			return false;
		from++;
	}
	if (query->before != NULL && *query->before != '\0' &&
	    !find(query->ids, query->before, &to))
		return false;
	if (query->index > 0)
		from = query->index < to ? (unsigned)query->index : to;
	if (from > to)
		from = to;
	if (to - from > query->max && query->before != NULL)
		from = to - query->max;
	if (to - from > query->max)
		to = from + query->max;
	reading->from = from;
	reading->to = to;
	return true;
}

static bool
add_ids(struct ln_node *node, struct store_job *job, const struct ln_archive_query *query,
    struct reading *reading)
{
	for (const char *const *id = query->ids; *id != NULL; id++, reading->steps++) {
		int64_t position = read_id(node, *id);

		if (position == 0)
			return false;
		store_add(job, &sql_one, store_int(position), node_owner(node));
	}
	return slice(query, reading);
}

struct range {
	int64_t above, below; /* positions, both outside */
};

static void
add_step(struct ln_node *node, struct store_job *job, const struct store_sql *sql,
    const struct ln_archive_query *query, struct range range, int64_t limit, int64_t offset)
{
	store_add(job, sql, node_owner(node), store_int(range.above), store_int(range.below),
	    store_int(query->start), store_int(query->end != 0 ? query->end : INT64_MAX),
	    store_text(query->with), store_text(query->with), store_int(limit), store_int(offset));
}

/* How many are found on all pages, and how many lie before an end of this one. */
static void
add_counts(struct ln_node *node, struct store_job *job, const struct ln_archive_query *query,
    struct range all, struct range page, bool *placed_r)
{
	struct range before = all;

	add_step(node, job, &sql_count, query, all, (int64_t)query->count_max + 1, 0);
	if (query->before != NULL && page.below < all.below)
		before.below = page.below;
	else if (query->before == NULL && page.above > all.above)
		before.below = page.above + 1;
	else
		return;
	*placed_r = true;
	add_step(node, job, &sql_count, query, before, (int64_t)query->count_max + 1, 0);
}

/* What was asked for between two positions, and the part of it that is on this page. */
static bool
add_range(struct ln_node *node, struct store_job *job, const struct ln_archive_query *query,
    struct reading *reading)
{
	struct range all = { 0, INT64_MAX }, page;
	bool reachable = query->index <= query->count_max;

	if (!bound(node, query->after_id, true, &all.above) ||
	    !bound(node, query->before_id, false, &all.below))
		return false;
	page = all;
	if (!bound(node, query->after, true, &page.above) ||
	    !bound(node, query->before, false, &page.below))
		return false;
	add_step(node, job, query->before != NULL ? &sql_backward : &sql_forward, query, page,
	    reachable ? (int64_t)query->max + 1 : 0, reachable ? query->index : 0);
	if (query->count_max > 0)
		add_counts(node, job, query, all, page, &reading->placed);
	return true;
}

bool
ln_archive_read(struct ln_node *node, const struct ln_archive_query *query, struct ln_token *token,
    ln_archive_fn *done, void *arg)
{
	struct store_job *job = store_job_new(work_store(), "archive");
	struct reading *reading = store_job_alloc(job, sizeof *reading);
	bool ok = query->ids != NULL ? add_ids(node, job, query, reading)
				     : add_range(node, job, query, reading);

	if (!ok) {
		store_job_free(&job);
		return false;
	}
	reading->token = token;
	reading->done = done;
	reading->arg = arg;
	reading->max = query->max;
	reading->count_max = query->count_max;
	reading->index = query->index;
	reading->backward = query->before != NULL;
	reading->jid = node->entity.jid;
	memcpy(reading->name, node->entity.jid.full, ln_jid_len(&node->entity.jid));
	reading->jid.full = reading->name;
	reading->birth = entity_job_begin(&node->entity);
	work_read(&node->entity, job, page_read, reading);
	return true;
}
