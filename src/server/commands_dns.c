/*
 * dns lookup, check dns, check s2s: what we would do, and what is wrong.
 *
 * SPDX-License-Identifier: MIT
 */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "core/host.h"
#include "core/idna.h"
#include "linnet/command.h"
#include "net/certname.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "net/tlsa.h"
#include "server/commands.h"
#include "server/config.h"
#include "server/daemon.h"
#include "server/probe.h"
#include "server/survey.h"

#define PROBES_MAX 24
#define SOON_S ((int64_t)14 * 24 * 3600)

/* --- what they share -------------------------------------------------------------------------- */

/* One run of one of the three. */
struct check {
	struct ln_call *call;
	const char *domain, *ascii; /* being looked at */
	struct survey *survey;
	const struct ln_host *host; /* check dns */
	unsigned probes, wrong;
};

static const char *
to_ascii(struct ln_call *call, const char *text)
{
	char canonical[IDNA_OUT_MAX + 1], ascii[IDNA_OUT_MAX + 1];
	size_t len;

	if (idna_domain(text, strlen(text), canonical, &len) != IDNA_OK ||
	    idna_to_ascii(canonical, len, ascii, &len) != IDNA_OK || len > DNS_NAME_MAX) {
		ln_call_fail(call, "`%s` is no domain", text);
		return NULL;
	}
	return arena_strndup(ln_call_arena(call), ascii, len);
}

static struct check *
check_new(struct ln_call *call)
{
	struct check *check = arena_zalloc(ln_call_arena(call), sizeof *check);

	check->call = call;
	return check;
}

static const struct s2s_route *
route_to(const char *domain)
{
	const struct s2s_conf *s2s = snapshot_current()->core.s2s;

	for (size_t i = 0; s2s != NULL && i < s2s->route_count; i++)
		if (strcmp(s2s->routes[i].domain, domain) == 0)
			return &s2s->routes[i];
	return NULL;
}

static void
say_route(struct ln_call *call, const char *domain)
{
	const struct s2s_route *route = route_to(domain);

	if (route != NULL)
		ln_call_say(call,
		    "The configuration has a route: %s port %u. DNS is not asked for this domain.",
		    route->host, route->port != 0 ? route->port : PLAN_PORT);
}

/* --- dns lookup ---------------------------------------------------------------------------------- */

static void
show_target(struct ln_call *call, const struct survey *survey, unsigned i)
{
	const struct plan_target *target = &survey->plan.targets[i];
	char *addresses = survey_address_text(survey, i), *tlsa = survey_tlsa_text(survey, i);

	ln_call_cell_number(call, i + 1);
	ln_call_cell(call, target->host);
	ln_call_cell_number(call, target->port);
	ln_call_cell(call, target->direct_tls ? "direct" : "starttls");
	ln_call_cell_number(call, target->priority);
	ln_call_cell_number(call, target->weight);
	ln_call_cell(call, addresses);
	ln_call_cell_bool(call, target->secure);
	ln_call_cell(call, tlsa);
	free(addresses);
	free(tlsa);
}

/* Why nothing would come of it; NULL: something may. */
static const char *
hopeless(const struct survey *survey)
{
	if (survey->plan.status == PLAN_FAILED)
		return "cannot be looked up";
	if (survey->plan.status == PLAN_NO_SERVICE)
		return "has no XMPP service";
	for (unsigned i = 0; i < survey->plan.count; i++)
		if (survey_addresses(survey, i) > 0)
			return NULL;
	return survey->answers[0][SURVEY_A]->no_domain && !survey->plan.targets[0].srv
	    ? "does not exist"
	    : "has no server with an address";
}

static void
looked_up(void *arg, struct survey *survey)
{
	struct check *check = arg;
	struct ln_call *call = check->call;

	ln_call_columns(call, "order", "host", "port", "tls", "priority", "weight", "addresses",
	    "dnssec", "tlsa", NULL);
	for (unsigned i = 0; i < survey->plan.count; i++)
		show_target(call, survey, i);
	ln_call_say(call, "%s", survey->plan.reason);
	if (hopeless(survey) != NULL)
		ln_call_fail(call, "%s %s", check->domain, hopeless(survey));
	survey_free(&survey);
	ln_call_done(call);
}

static void
dns_lookup(const struct ln_mod *mod, struct ln_call *call)
{
	struct check *check = check_new(call);

	(void)mod;
	check->domain = ln_call_text(call, 0);
	check->ascii = to_ascii(call, check->domain);
	if (check->ascii == NULL)
		return;
	say_route(call, check->domain);
	ln_call_later(call);
	survey_start(check->ascii, looked_up, check);
}

/* --- findings --------------------------------------------------------------------------------------- */

enum verdict { OK, NOTE, WRONG };

static void finding(struct check *check, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
finding(struct check *check, enum verdict verdict, const char *format, ...)
{
	static const char *const words[] = { "ok", "note", "wrong" };
	va_list args;

	va_start(args, format);
	ln_call_cell(check->call, check->domain);
	ln_call_cell(check->call, words[verdict]);
	ln_call_cell(check->call, arena_vprintf(ln_call_arena(check->call), format, args));
	va_end(args);
	check->wrong += verdict == WRONG;
}

static void
begin_findings(struct check *check)
{
	ln_call_columns(check->call, "domain", "verdict", "finding", NULL);
}

static void
end_findings(struct check *check)
{
	if (check->wrong > 0)
		ln_call_fail(check->call, "%u thing%s wrong", check->wrong,
		    check->wrong == 1 ? " is" : "s are");
	ln_call_done(check->call);
}

static void
judge_plan(struct check *check, const struct plan *plan)
{
	if (plan->status == PLAN_FAILED)
		finding(check, WRONG, "the servers cannot be looked up: %s", plan->reason);
	else if (plan->status == PLAN_NO_SERVICE)
		finding(check, WRONG, "DNS says that there is no XMPP service: %s", plan->reason);
	else if (!plan->targets[0].srv)
		finding(check, NOTE, "there are no SRV records, so other servers try %s port %d",
		    plan->domain, PLAN_PORT);
	else
		finding(check, OK, "SRV: %u target%s; %s", plan->count, plan->count == 1 ? "" : "s",
		    plan->reason);
}

static void
judge_target(struct check *check, const struct survey *survey, unsigned i)
{
	const struct plan_target *target = &survey->plan.targets[i];
	char *addresses = survey_address_text(survey, i), *tlsa = survey_tlsa_text(survey, i);

	if (survey_addresses(survey, i) == 0)
		finding(check, WRONG, "%s: %s", target->host, addresses);
	else
		finding(check, OK, "%s port %u (%s): %s", target->host, target->port,
		    target->direct_tls ? "direct TLS" : "STARTTLS", addresses);
	if (survey->answers[i][SURVEY_A]->count > 0 && survey->answers[i][SURVEY_AAAA]->count == 0)
		finding(check, NOTE, "%s has no IPv6 address", target->host);
	if (survey->answers[i][SURVEY_TLSA] != NULL &&
	    dns_failed(survey->answers[i][SURVEY_TLSA]->status))
		finding(check, WRONG, "%s: its TLSA records cannot be looked up: %s", target->host,
		    tlsa);
	free(addresses);
	free(tlsa);
}

static void
judge_survey(struct check *check, const struct survey *survey)
{
	judge_plan(check, &survey->plan);
	for (unsigned i = 0; i < survey->plan.count; i++)
		judge_target(check, survey, i);
}

/* --- check dns: our own domains ------------------------------------------------------------------------ */

/* Our certificate against what DNS says about it: what another server would find. */
static void
judge_own_tlsa(struct check *check, const struct survey *survey, unsigned i, SSL *ssl)
{
	const struct plan_target *target = &survey->plan.targets[i];
	const char *alias = survey_alias(survey, i);
	const struct certname names[] = { { check->ascii, check->domain }, { target->host, NULL },
		{ alias, NULL } };
	STACK_OF(X509) *chain = NULL;
	const char *reason;

	if (survey_tlsa(survey, i) == NULL)
		return;
	SSL_get0_chain_certs(ssl, &chain);
	if (tlsa_check_chain(ssl, SSL_get_certificate(ssl), chain, survey_tlsa(survey, i), names,
		alias != NULL ? 3 : 2, &reason) == TLSA_MISMATCH)
		finding(check, WRONG,
		    "TLSA of %s port %u does not fit the certificate that this server shows: %s",
		    target->host, target->port, reason);
	else
		finding(check, OK, "TLSA of %s port %u: %s", target->host, target->port, reason);
}

static void
judge_own_certificate(struct check *check, const struct survey *survey)
{
	struct tls *tls = snapshot_current()->core.tls;
	SSL *ssl;

	if (tls == NULL || !tls_has_name(tls, check->ascii)) {
		finding(check, WRONG, "there is no certificate for %s", check->ascii);
		return;
	}
	ssl = tls_new_ssl(tls, false, check->ascii);
	for (unsigned i = 0; i < survey->plan.count; i++)
		judge_own_tlsa(check, survey, i, ssl);
	SSL_free(ssl);
}

static bool
listens_at(const struct ln_list *addresses, uint16_t port)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (LN_ITEM(addresses, struct config_listen_address, i).address.port == port)
			return true;
	return false;
}

/* Something in front of us may forward another port, so this is no mistake by itself. */
static void
judge_own_port(struct check *check, const struct plan_target *target)
{
	const struct config_listen *listen = &daemon_config()->listen;
	const char *service = target->direct_tls ? "s2s-tls" : "s2s";

	if (!listens_at(target->direct_tls ? &listen->s2s_tls : &listen->s2s, target->port))
		finding(check, NOTE,
		    "DNS sends others to %s port %u (%s), but `listen: %s` has no such port",
		    target->host, target->port, target->direct_tls ? "direct TLS" : "STARTTLS",
		    service);
}

/* Clients have records of their own: without, they try the domain's address at port 5222. */
static void
judge_client_srv(struct check *check, const struct dns_answer *answer, const char *service)
{
	if (dns_failed(answer->status))
		finding(check, WRONG, "SRV for clients, %s, cannot be looked up: %s", service,
		    answer->reason);
	else if (answer->status == DNS_NONE)
		finding(check, NOTE, "no SRV for clients: %s", service);
	else
		finding(check, OK, "SRV for clients, %s: %u record%s", service, answer->count,
		    answer->count == 1 ? "" : "s");
}

static void check_next_host(struct check *check);

static void
direct_client_srv_came(void *arg, const struct dns_answer *answer)
{
	judge_client_srv(arg, answer, "_xmpps-client");
	check_next_host(arg);
}

static void
client_srv_came(void *arg, const struct dns_answer *answer)
{
	struct check *check = arg;

	judge_client_srv(check, answer, "_xmpp-client");
	resolver_ask(
	    arena_printf(ln_call_arena(check->call), "_xmpps-client._tcp.%s", check->ascii),
	    DNS_SRV, direct_client_srv_came, check);
}

static void
own_surveyed(void *arg, struct survey *survey)
{
	struct check *check = arg;

	judge_survey(check, survey);
	for (unsigned i = 0; i < survey->plan.count; i++)
		judge_own_port(check, &survey->plan.targets[i]);
	judge_own_certificate(check, survey);
	survey_free(&survey);
	resolver_ask(arena_printf(ln_call_arena(check->call), "_xmpp-client._tcp.%s", check->ascii),
	    DNS_SRV, client_srv_came, check);
}

/* Hosts are found again by name: a reload may have come in between. */
static void
check_next_host(struct check *check)
{
	const struct ln_host *last =
	    check->domain == NULL ? NULL : host_find(check->domain, strlen(check->domain));
	const struct ln_host *host = check->domain == NULL ? snapshot_current()->hosts
							   : (last != NULL ? last->hh.next : NULL);

	while (host != NULL && host->parent != NULL)
		host = host->hh.next;
	if (host == NULL) {
		end_findings(check);
		return;
	}
	check->domain = arena_strdup(ln_call_arena(check->call), host->name);
	check->ascii = to_ascii(check->call, check->domain);
	if (check->ascii == NULL)
		end_findings(check);
	else
		survey_start(check->ascii, own_surveyed, check);
}

static void
judge_resolver(struct check *check, const struct dns_answer *answer)
{
	char *servers = resolver_servers();

	check->domain = "";
	finding(check, OK, "name servers: %s", servers);
	if (dns_failed(answer->status))
		finding(check, WRONG, "names cannot be looked up: %s", answer->reason);
	else if (resolver_security() == RESOLVER_VALIDATES)
		finding(check, OK, "answers are validated (DNSSEC), so DANE works");
	else
		finding(check, NOTE,
		    "answers are not validated (DNSSEC): the configuration says so, or the name "
		    "servers do not hand on signatures; DANE proves nothing");
	check->domain = NULL;
	free(servers);
}

/* Something was asked, so what `auto` stands for is known. */
static void
resolver_known(void *arg, const struct dns_answer *answer)
{
	struct check *check = arg;

	judge_resolver(check, answer);
	check_next_host(check);
}

static void
check_dns(const struct ln_mod *mod, struct ln_call *call)
{
	struct check *check = check_new(call);

	(void)mod;
	begin_findings(check);
	ln_call_later(call);
	resolver_ask("linnet.invalid", DNS_A, resolver_known, check);
}

/* --- check s2s: another server -------------------------------------------------------------------------- */

static int64_t
seconds_until(const ASN1_TIME *when)
{
	struct tm tm;

	return ASN1_TIME_to_tm(when, &tm) == 1 ? (int64_t)timegm(&tm) - clock_wall_ms() / 1000 : 0;
}

static void
judge_dates(struct check *check, const char *where, X509 *x509)
{
	int64_t left = seconds_until(X509_get0_notAfter(x509));

	if (left < 0)
		finding(check, WRONG, "%s: the certificate expired %lld days ago", where,
		    (long long)(-left / 86400));
	else if (left < SOON_S)
		finding(check, NOTE, "%s: the certificate expires in %lld days", where,
		    (long long)(left / 86400));
	if (seconds_until(X509_get0_notBefore(x509)) > 0)
		finding(check, WRONG, "%s: the certificate is not valid yet", where);
}

static void
judge_names(struct check *check, const char *where, X509 *x509, const struct plan_target *target)
{
	const struct certname name = { check->ascii, check->domain };
	enum certname_kind kind = certname_match(x509, &name);
	char *list = certname_list(x509);

	if (kind == CERTNAME_NONE && target->secure &&
	    certname_match(x509, &(struct certname){ target->host, NULL }) != CERTNAME_NONE)
		finding(check, OK, "%s: the certificate is for %s, which DNSSEC proves to be %s's",
		    where, target->host, check->domain);
	else if (kind == CERTNAME_NONE)
		finding(check, WRONG, "%s: the certificate is not for %s, but for %s", where,
		    check->domain, list);
	else
		finding(check, OK, "%s: the certificate is for %s (%s)", where, check->domain,
		    certname_kind_text(kind));
	free(list);
}

/* Validated TLSA records decide; without, names, dates and chain do. */
static void
judge_certificate(struct check *check, const char *where, const struct probe *probe)
{
	const char *alias = survey_alias(check->survey, probe->index);
	const struct certname names[] = { { check->ascii, check->domain },
		{ probe->target.host, NULL }, { alias, NULL } };
	X509 *x509 = conn_peer_certificate(probe->conn);
	const char *reason;
	enum tlsa_result dane = tlsa_check(conn_ssl(probe->conn),
	    survey_tlsa(check->survey, probe->index), names, alias != NULL ? 3 : 2, &reason);

	if (dane != TLSA_NONE) {
		finding(check, dane == TLSA_MATCH ? OK : WRONG, "%s: DANE: %s", where, reason);
		return;
	}
	judge_names(check, where, x509, &probe->target);
	judge_dates(check, where, x509);
	if (conn_verify_result(probe->conn) != X509_V_OK)
		finding(check, WRONG, "%s: no authority that is trusted here vouches for it: %s",
		    where, X509_verify_cert_error_string(conn_verify_result(probe->conn)));
}

static void
probed(void *arg, struct probe *probe)
{
	struct check *check = arg;
	char address[NETADDR_TEXT_MAX];
	struct conn_tls_info info;
	const char *where = arena_printf(ln_call_arena(check->call), "%s (%s)", probe->target.host,
	    netaddr_text(&probe->address, address));

	if (probe->failure != NULL) {
		finding(check, WRONG, "%s: %s", where, probe->failure);
	} else if (conn_peer_certificate(probe->conn) == NULL) {
		finding(check, WRONG, "%s: the server shows no certificate", where);
	} else {
		conn_tls_info(probe->conn, &info);
		finding(check, OK, "%s: %s, %s%s", where, info.version, info.cipher,
		    probe->target.direct_tls && *info.alpn == '\0' ? ", no ALPN" : "");
		judge_certificate(check, where, probe);
	}
	if (--check->probes == 0) {
		survey_free(&check->survey);
		end_findings(check);
	}
}

static void
probe_addresses(struct check *check, unsigned i, const struct dns_answer *answer)
{
	const struct ln_host *host = snapshot_current()->hosts;
	struct probe params = {
		.from = arena_strdup(ln_call_arena(check->call), host != NULL ? host->name : ""),
		.domain = check->ascii,
		.target = check->survey->plan.targets[i],
		.index = i,
		.tls = snapshot_current()->core.tls,
		.done = probed,
		.arg = check,
	};

	for (unsigned k = 0; k < answer->count && check->probes < PROBES_MAX; k++) {
		params.address = answer->addresses[k];
		check->probes++;
		probe_start(&params);
	}
}

static void
surveyed(void *arg, struct survey *survey)
{
	struct check *check = arg;

	check->survey = survey;
	judge_survey(check, survey);
	for (unsigned i = 0; i < survey->plan.count; i++) {
		probe_addresses(check, i, survey->answers[i][SURVEY_AAAA]);
		probe_addresses(check, i, survey->answers[i][SURVEY_A]);
	}
	if (check->probes > 0)
		return;
	survey_free(&check->survey);
	end_findings(check);
}

static void
check_s2s(const struct ln_mod *mod, struct ln_call *call)
{
	struct check *check = check_new(call);

	(void)mod;
	check->domain = ln_call_text(call, 0);
	check->ascii = to_ascii(call, check->domain);
	if (check->ascii != NULL && snapshot_current()->core.tls == NULL)
		ln_call_fail(call, "this server has no certificates, so it cannot speak TLS");
	else if (check->ascii != NULL) {
		begin_findings(check);
		say_route(call, check->domain);
		ln_call_later(call);
		survey_start(check->ascii, surveyed, check);
	}
}

/* --- rows -------------------------------------------------------------------------------------------------- */

static const struct ln_arg domain_arg[] = {
	{ LN_ARG_TEXT, "domain", "Of another server, or one of ours.", 0, NULL, NULL },
	LN_ARG_ROWS_END
};

const struct ln_command dns_commands[] = {
	{ "dns lookup", "Show which servers of a domain would be tried, in which order.",
	    LN_ROLE_OPERATOR, LN_HOME_MAIN, domain_arg, dns_lookup, NULL, NULL },
	{ "check dns", "Tell what is wrong with the DNS of our domains.", LN_ROLE_OPERATOR,
	    LN_HOME_MAIN, NULL, check_dns, NULL, NULL },
	{ "check s2s", "Try to reach a domain's servers and tell what is wrong with them.",
	    LN_ROLE_OPERATOR, LN_HOME_MAIN, domain_arg, check_s2s, NULL, NULL },
	LN_COMMAND_END
};
