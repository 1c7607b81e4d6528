/*
 * One request: its life, and what its handler asks of it. See linnet/http.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <strings.h>

#include "net/http_impl.h"
#include "net/worker.h"

struct ln_http *
http_request_new(struct http *http)
{
	struct arena *arena = arena_new(1024);
	struct ln_http *request = arena_zalloc(arena, sizeof *request);

	request->http = http;
	request->arena = arena;
	request->started = worker_now_ms();
	request->queued_before = conn_queued(http->conn);
	http->request = request;
	return request;
}

void
http_request_free(struct http *http)
{
	struct ln_http *request = http->request;
	struct arena *arena = request->arena;

	http->request = NULL;
	if (request->release != NULL)
		request->release(request->release_arg);
	buf_free(&request->fields);
	buf_free(&request->collected);
	arena_free(&arena);
}

void
http_request_abandon(struct ln_http *request)
{
	const struct http_reader *reader = request->reader;
	void (*gone)(void *arg) = request->gone;

	request->reader = NULL;
	request->gone = NULL;
	if (reader != NULL && reader->gone != NULL)
		reader->gone(request);
	if (gone != NULL && !request->complete)
		gone(request->gone_arg);
}

void
http_request_gone(struct http *http)
{
	struct ln_http *request = http->request;

	if (request == NULL)
		return;
	if (request->sending != NULL)
		http_sending_gone(&request->sending);
	http_request_abandon(request);
	http_request_free(http);
}

/* The last element is what the proxy itself has seen. */
static const char *
last_element(struct arena *arena, const char *list)
{
	const char *comma = strrchr(list, ',');

	list = comma != NULL ? comma + 1 : list;
	list += strspn(list, " \t");
	return arena_strdup(arena, list);
}

void
http_request_client(struct ln_http *request)
{
	struct http *http = request->http;
	const char *forwarded = http_head_field(&request->head, "x-forwarded-for");
	const char *proto = http_head_field(&request->head, "x-forwarded-proto");
	char peer[NETADDR_TEXT_MAX];

	request->secure = http->secure;
	request->client = arena_strdup(request->arena, netaddr_host_text(&http->peer, peer));
	if (http->service->trusts == NULL || !http->service->trusts(&http->peer))
		return;
	if (forwarded != NULL && *forwarded != '\0')
		request->client = last_element(request->arena, forwarded);
	if (proto != NULL)
		request->secure = strcasecmp(last_element(request->arena, proto), "https") == 0;
}

void
http_keep(struct ln_http *http, void (*release)(void *arg), void *arg)
{
	http->release = release;
	http->release_arg = arg;
}

/* --- what handlers ask --------------------------------------------------------------------------- */

enum ln_http_method
ln_http_method(const struct ln_http *http)
{
	return http->head.method;
}

const char *
ln_http_path(const struct ln_http *http)
{
	return http->head.path;
}

const char *
ln_http_query(const struct ln_http *http)
{
	return http->head.query;
}

const char *
ln_http_host(const struct ln_http *http)
{
	return http->head.host;
}

const char *
ln_http_header(const struct ln_http *http, const char *name)
{
	for (unsigned i = 0; i < http->head.field_count; i++)
		if (strcasecmp(http->head.fields[i].name, name) == 0)
			return http->head.fields[i].value;
	return NULL;
}

int64_t
ln_http_length(const struct ln_http *http)
{
	return http->head.length;
}

const char *
ln_http_client(const struct ln_http *http)
{
	return http->client;
}

bool
ln_http_secure(const struct ln_http *http)
{
	return http->secure;
}

void
ln_http_on_gone(struct ln_http *http, void (*gone)(void *arg), void *arg)
{
	http->gone = gone;
	http->gone_arg = arg;
}
