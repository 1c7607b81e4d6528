/*
 * mod_host_meta - other ways to a host, for those who cannot ask DNS (XEP-0156),
 * with the parameters of XEP-0487: links that the operator lists, and those that
 * other modules say.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/base64.h>
#include <linnet/http.h>
#include <linnet/link.h>
#include <linnet/module.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_XRD "http://docs.oasis-open.org/ns/xri/xrd-1.0"
#define PIN_LEN 32 /* of SHA-256 */
#define HREF_MAX 2000

struct meta_link {
	int rel;
	const char *href, *sni, *ech;
	int64_t port, priority, weight;
	struct ln_list ips;
};

struct meta_conf {
	struct ln_list links, pins;
	ln_msec ttl;
};

/* What a link is to: a relation and the scheme of its href; without a scheme it has a port. */
enum { WEBSOCKET, BOSH, TLS, QUIC, S2S_WEBSOCKET, S2S_TLS, S2S_QUIC };
static const struct relation {
	const char *rel, *scheme;
} relations[] = {
	[WEBSOCKET] = { LN_LINK_WEBSOCKET, "wss://" },
	[BOSH] = { LN_LINK_BOSH, "https://" },
	[TLS] = { "urn:xmpp:alt-connections:tls", NULL },
	[QUIC] = { "urn:xmpp:alt-connections:quic", NULL },
	[S2S_WEBSOCKET] = { "urn:xmpp:alt-connections:s2s-websocket", "wss://" },
	[S2S_TLS] = { "urn:xmpp:alt-connections:s2s-tls", NULL },
	[S2S_QUIC] = { "urn:xmpp:alt-connections:s2s-quic", NULL },
};

static const struct ln_name relation_names[] = { { "websocket", WEBSOCKET,
						     "for clients, RFC 7395" },
	{ "bosh", BOSH, "for clients, XEP-0206" },
	{ "tls", TLS, "for clients, TLS from the first byte" },
	{ "quic", QUIC, "for clients, XEP-0467" },
	{ "s2s-websocket", S2S_WEBSOCKET, "for servers, XEP-0468" },
	{ "s2s-tls", S2S_TLS, "for servers, TLS from the first byte" },
	{ "s2s-quic", S2S_QUIC, "for servers, XEP-0467" }, LN_NAME_END };

static const struct ln_option link_rows[] = { LN_OPTION_ENUM(meta_link, rel, relation_names, 0,
						  "What the link is to.", .flags = LN_REQUIRED),
	LN_OPTION_URI(meta_link, href, NULL,
	    "Where it is: wss: of a websocket, https: of bosh; the others have a port."),
	LN_OPTION_INT(meta_link, port, 0, 0, 65535, "The port of tls and quic; 0: none."),
	LN_LIST_OF(meta_link, ips, LN_ITEM_STRING,
	    "The IP addresses to connect to; needed by tls and quic, and by all with a ttl."),
	LN_OPTION_STRING(meta_link, sni, "$host", "The name to ask for in TLS."),
	LN_OPTION_STRING(meta_link, ech, NULL, "The configuration of Encrypted Client Hello."),
	LN_OPTION_INT(meta_link, priority, 10, 0, 65535, "As in SRV: the lowest comes first."),
	LN_OPTION_INT(meta_link, weight, 10, 0, 65535, "As in SRV: among those of one priority."),
	LN_OPTION_END };

static const struct ln_option options[] = {
	LN_LIST_OF(meta_conf, links, LN_ITEM_STRUCT(meta_link, link_rows),
	    "Ways to reach the host, of this server or another."),
	LN_OPTION_DURATION(meta_conf, ttl, LN_OFF, 60 * 1000, 7 * 24 * 3600 * 1000,
	    "How long host-meta.json may be kept; with it (XEP-0487) clients and servers may take "
	    "what it says for all there is, and ask no DNS; off: XEP-0156 alone.",
	    .flags = LN_MAY_BE_OFF),
	LN_LIST_OF(meta_conf, pins, LN_ITEM_STRING,
	    "SHA-256 of the public keys to trust, in base64; needs a ttl."),
	LN_OPTION_END
};

static bool
is_whole(const struct meta_conf *conf)
{
	return ln_ms(conf->ttl) < LN_OFF;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct page {
	FILE *file;
	char *text;
	size_t len;
	unsigned links;
	bool json;
};

static void
put_xml(FILE *file, const char *text)
{
	for (; *text != '\0'; text++)
		if (strchr("<>&\"'", *text) != NULL)
			fprintf(file, "&#%d;", *text);
		else
			fputc(*text, file);
}

static void
put_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\')
			fprintf(file, "\\u%04x", (unsigned)*text);
		else
			fputc(*text, file);
	fputc('"', file);
}

static void
put_member(FILE *file, const char *name, const char *value)
{
	if (value == NULL)
		return;
	fprintf(file, ",\"%s\":", name);
	put_string(file, value);
}

static void
put_strings(FILE *file, const char *const *texts, size_t count)
{
	fputc('[', file);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			fputc(',', file);
		put_string(file, texts[i]);
	}
	fputc(']', file);
}

static void
put_json_link(struct page *page, const struct ln_link *link)
{
	FILE *file = page->file;

	fprintf(file, "%s{\"rel\":", page->links > 0 ? "," : "");
	put_string(file, link->rel);
	put_member(file, "href", link->href);
	if (link->port > 0)
		fprintf(file, ",\"port\":%lld", (long long)link->port);
	if (link->ip_count > 0) {
		fputs(",\"ips\":", file);
		put_strings(file, link->ips, link->ip_count);
		fprintf(file, ",\"priority\":%lld,\"weight\":%lld", (long long)link->priority,
		    (long long)link->weight);
		put_member(file, "sni", link->sni);
		put_member(file, "ech", link->ech);
	}
	fputc('}', file);
	page->links++;
}

static void
put_xml_link(struct page *page, const struct ln_link *link)
{
	if (link->href == NULL)
		return;
	fputs("  <Link rel='", page->file);
	put_xml(page->file, link->rel);
	fputs("' href='", page->file);
	put_xml(page->file, link->href);
	fputs("'/>\n", page->file);
	page->links++;
}

static void
add_link(void *to, const struct ln_link *link)
{
	struct page *page = to;

	if (page->json)
		put_json_link(page, link);
	else
		put_xml_link(page, link);
}

static void
add_own_links(const struct meta_conf *conf, struct page *page)
{
	for (size_t i = 0; i < conf->links.count; i++) {
		const struct meta_link *link = &LN_ITEM(&conf->links, struct meta_link, i);

		add_link(page,
		    &(struct ln_link){ .rel = relations[link->rel].rel,
			.href = link->href,
			.port = link->port,
			.ips = link->ips.items,
			.ip_count = link->ips.count,
			.sni = link->sni,
			.ech = link->ech,
			.priority = link->priority,
			.weight = link->weight });
	}
}

/* XEP-0487: this says that what follows is all there is. */
static void
put_whole(FILE *file, const struct meta_conf *conf)
{
	fprintf(file, "\"xmpp\":{\"ttl\":%lld", (long long)ln_ms(conf->ttl) / 1000);
	if (conf->pins.count > 0) {
		fputs(",\"public-key-pins-sha-256\":", file);
		put_strings(file, conf->pins.items, conf->pins.count);
	}
	fputs("},", file);
}

/* --- answering --------------------------------------------------------------------------------- */

static void
put_page(const struct ln_mod *mod, struct page *page)
{
	const struct meta_conf *conf = ln_conf(mod);
	struct ln_ev_host_meta ev = { .host = ln_mod_host(mod), .add = add_link, .to = page };

	if (!page->json) {
		fputs("<?xml version='1.0' encoding='utf-8'?>\n<XRD xmlns='" NS_XRD "'>\n",
		    page->file);
	} else {
		fputc('{', page->file);
		if (is_whole(conf))
			put_whole(page->file, conf);
		fputs("\"links\":[", page->file);
	}
	add_own_links(conf, page);
	ln_fire_host_meta(&ev);
	fputs(page->json ? "]}\n" : "</XRD>\n", page->file);
}

static void
answer(const struct ln_mod *mod, struct ln_http *http, bool json)
{
	struct page page = { .json = json };

	page.file = open_memstream(&page.text, &page.len);
	if (page.file == NULL)
		abort();
	put_page(mod, &page);
	if (fclose(page.file) != 0)
		abort();
	ln_http_set(http, "Access-Control-Allow-Origin", "*");
	if (page.links > 0)
		ln_http_reply(http, 200, json ? "application/json" : "application/xrd+xml",
		    page.text, page.len);
	else
		ln_http_fail(http, 404, "There is nothing to announce.");
	free(page.text);
}

static void
answer_xml(const struct ln_mod *mod, struct ln_http *http)
{
	answer(mod, http, false);
}

static void
answer_json(const struct ln_mod *mod, struct ln_http *http)
{
	answer(mod, http, true);
}

/* CORS: a page of any origin may ask, in any way. */
static void
ask_before(const struct ln_mod *mod, struct ln_http *http)
{
	(void)mod;
	ln_http_set(http, "Access-Control-Allow-Origin", "*");
	ln_http_set(http, "Access-Control-Allow-Methods", "OPTIONS, HEAD, GET");
	ln_http_set(http, "Access-Control-Allow-Headers", "Content-Type");
	ln_http_set(http, "Access-Control-Max-Age", "7200");
	ln_http_reply(http, 204, NULL, NULL, 0);
}

#define PATH "/.well-known/host-meta"
static const struct ln_http_route routes[] = {
	{ LN_HTTP_GET | LN_HTTP_HEAD, PATH, answer_xml, true },
	{ LN_HTTP_OPTIONS, PATH, ask_before, true },
	{ LN_HTTP_GET | LN_HTTP_HEAD, PATH ".json", answer_json, true },
	{ LN_HTTP_OPTIONS, PATH ".json", ask_before, true },
	LN_HTTP_END,
};

/* --- the module ---------------------------------------------------------------------------------- */

static const char *
name_of(const struct meta_link *link)
{
	return relation_names[link->rel].name;
}

static void
check_target(const struct meta_link *link, struct ln_check *check)
{
	const char *scheme = relations[link->rel].scheme;

	if (scheme == NULL) {
		if (link->href != NULL || link->port == 0 || link->ips.count == 0)
			ln_check_error(check, "links",
			    "a link `%s` has `port` and `ips`, and no `href`", name_of(link));
	} else if (link->href == NULL || link->port != 0 ||
	    strncmp(link->href, scheme, strlen(scheme)) != 0 || strlen(link->href) > HREF_MAX) {
		ln_check_error(check, "links",
		    "a link `%s` has an `href` that begins with %s, and no `port`", name_of(link),
		    scheme);
	}
}

static void
check_ips(const struct meta_conf *conf, const struct meta_link *link, struct ln_check *check)
{
	unsigned char bytes[16];

	for (size_t i = 0; i < link->ips.count; i++) {
		const char *ip = ln_list_text(&link->ips, i);

		if (inet_pton(AF_INET, ip, bytes) != 1 && inet_pton(AF_INET6, ip, bytes) != 1)
			ln_check_error(check, "links", "`%s` is no IP address", ip);
	}
	if (is_whole(conf) && link->ips.count == 0 && link->rel != BOSH)
		ln_check_error(check, "links", "with a `ttl`, a link `%s` has `ips`",
		    name_of(link));
}

static void
check_pins(const struct meta_conf *conf, struct ln_check *check)
{
	for (size_t i = 0; i < conf->pins.count; i++) {
		const char *pin = ln_list_text(&conf->pins, i);
		size_t len = strlen(pin);
		uint8_t bytes[64];

		if (len > 60 || ln_base64_decode(pin, len, bytes) != PIN_LEN)
			ln_check_error(check, "pins", "`%s` is no SHA-256 in base64", pin);
	}
	if (conf->pins.count > 0 && !is_whole(conf))
		ln_check_error(check, "pins", "they are for a host-meta.json with a `ttl`");
}

static void
meta_check(const void *arg, struct ln_check *check)
{
	const struct meta_conf *conf = arg;

	for (size_t i = 0; i < conf->links.count; i++) {
		const struct meta_link *link = &LN_ITEM(&conf->links, struct meta_link, i);

		check_target(link, check);
		check_ips(conf, link, check);
	}
	check_pins(conf, check);
}

LN_MODULE(host_meta, .summary = "XEP-0156: Discovering Alternative XMPP Connection Methods",
    .conf_size = sizeof(struct meta_conf), .options = options, .check = meta_check,
    .routes = routes, );
