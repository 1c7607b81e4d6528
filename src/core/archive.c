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
static const struct store_sql sql_forward = { RANGE " ORDER BY position LIMIT ?" };
static const struct store_sql sql_backward = { RANGE " ORDER BY position DESC LIMIT ?" };
static const struct store_sql sql_count = { "SELECT count(*) FROM (SELECT position" FOUND
					    " LIMIT ?) AS found" };
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
	unsigned count_max;
	bool backward;
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
	row = reading->count_max > 0 ? store_rows(job, 1) : NULL;
	if (row != NULL && row->cell[0].integer <= reading->count_max)
		page->total = row->cell[0].integer;
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

	for (unsigned i = 0; i < reading->steps; i++)
		if (store_rows(job, i) != NULL &&
		    read_row(node, arena, store_rows(job, i), &list[page->count]))
			page->count++;
	page->complete = true;
	page->total = (int64_t)page->count;
	page->messages = list;
}

static void
give_page(struct ln_node *node, struct store_job *job, struct reading *reading)
{
	struct ln_archive_page page = { .ok = store_job_outcome(job) == STORE_OK, .total = -1 };

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

static bool
add_ids(struct ln_node *node, struct store_job *job, const char *const *ids, unsigned *steps_r)
{
	for (; *ids != NULL; ids++, (*steps_r)++) {
		int64_t position = read_id(node, *ids);

		if (position == 0)
			return false;
		store_add(job, &sql_one, store_int(position), node_owner(node));
	}
	return true;
}

static void
add_step(struct ln_node *node, struct store_job *job, const struct store_sql *sql,
    const struct ln_archive_query *query, const int64_t bounds[2], unsigned limit)
{
	store_add(job, sql, node_owner(node), store_int(bounds[0]), store_int(bounds[1]),
	    store_int(query->start), store_int(query->end != 0 ? query->end : INT64_MAX),
	    store_text(query->with), store_text(query->with), store_int((int64_t)limit + 1));
}

/* What was asked for between two positions, and the part of it that is on this page. */
static bool
add_range(struct ln_node *node, struct store_job *job, const struct ln_archive_query *query)
{
	int64_t all[2] = { 0, INT64_MAX }, page[2];

	if (!bound(node, query->after_id, true, &all[0]) ||
	    !bound(node, query->before_id, false, &all[1]))
		return false;
	memcpy(page, all, sizeof page);
	if (!bound(node, query->after, true, &page[0]) ||
	    !bound(node, query->before, false, &page[1]))
		return false;
	add_step(node, job, query->before != NULL ? &sql_backward : &sql_forward, query, page,
	    query->max);
	if (query->count_max > 0)
		add_step(node, job, &sql_count, query, all, query->count_max);
	return true;
}

bool
ln_archive_read(struct ln_node *node, const struct ln_archive_query *query, struct ln_token *token,
    ln_archive_fn *done, void *arg)
{
	struct store_job *job = store_job_new(work_store(), "archive");
	struct reading *reading = store_job_alloc(job, sizeof *reading);
	bool ok = query->ids != NULL ? add_ids(node, job, query->ids, &reading->steps)
				     : add_range(node, job, query);

	if (!ok) {
		store_job_free(&job);
		return false;
	}
	reading->token = token;
	reading->done = done;
	reading->arg = arg;
	reading->max = query->max;
	reading->count_max = query->count_max;
	reading->backward = query->before != NULL;
	reading->jid = node->entity.jid;
	memcpy(reading->name, node->entity.jid.full, ln_jid_len(&node->entity.jid));
	reading->jid.full = reading->name;
	reading->birth = entity_job_begin(&node->entity);
	work_read(&node->entity, job, page_read, reading);
	return true;
}
