/*
 * The kit that modules are tested with: a server in this thread, with a store
 * and a clock of its own, without network. Hooks, iq rows, values, timers and
 * reloads are the real ones; clients are strings that go in and elements that
 * come out.
 *
 *	extern const struct ln_module ln_module_flood;
 *	const struct ln_module *const lnt_modules[] = { &ln_module_flood, NULL };
 *
 *	START_TEST(burst_then_refusal_then_refill)
 *	{
 *		struct lnt *t = lnt_new("flood: {burst: 1, refill: 1s}");
 *
 *		lnt_login(t, ROMEO);
 *		lnt_send(t, JULIET, LNT_CHAT(ROMEO, "one"));
 *		lnt_expect_delivered(t, ROMEO, 1);
 *		lnt_send(t, JULIET, LNT_CHAT(ROMEO, "two"));
 *		lnt_expect_error(t, JULIET, "wait", "resource-constraint");
 *		lnt_expect_metric(t, "linnet_flood_refused_total", 1);
 *		lnt_advance(t, 1000);
 *		...
 *		lnt_free(&t);
 *	}
 *
 * The program of a module's test (modules/NAME/test_NAME.c, built with
 * -DLN_STATIC_MODULES) is linked with the module and whatever it needs. The
 * host is example.org; an account is made when it is mentioned, a client logs
 * in when it first sends. Whatever goes wrong fails the test.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_LNT_H
#define LN_TESTS_LNT_H

#include <check.h>

#include "linnet/module.h"

#define LNT_HOST "example.org"
#define LNT_JULIET "juliet@example.org/balcony"
#define LNT_ROMEO "romeo@example.org/orchard"

#define LNT_CHAT(to, body) "<message type='chat' to='" to "'><body>" body "</body></message>"

struct lnt;

/* The modules that are linked in, NULL at the end: the test's to define. */
extern const struct ln_module *const lnt_modules[];

/* Starts, with these modules of the host, as in its configuration: "flood: {burst: 2}, ping: {}". One
 * at a time. */
struct lnt *lnt_new(const char *modules);

/*
 * Switches all modules off, fails the test if they left something behind (a
 * slice, a timer, a request without an answer), and stops. Nulls the pointer.
 */
void lnt_free(struct lnt **t);

/* The same as a reload with other modules; nobody loses his session. */
void lnt_reload(struct lnt *t, const char *modules);

/* --- clients ------------------------------------------------------------------------ */

/* Binds the full JID; without presence. */
void lnt_login(struct lnt *t, const char *jid);

/* Ends its stream in due form. */
void lnt_logout(struct lnt *t, const char *jid);

/* Sends an element: a stanza, or what a module takes as a nonza. Returns when all that came of it
 * has been done. */
void lnt_send(struct lnt *t, const char *jid, const char *xml);

/* What a client that has not logged in asks (rows LN_BEFORE_LOGIN), and its answer; NULL: no module
 * has a row for it. Each asks from a connection of its own, in TLS, from 192.0.2.1. */
const struct ln_elem *lnt_ask_before_login(struct lnt *t, const char *xml);

/* Lets time pass: timers, stamps, limits. */
void lnt_advance(struct lnt *t, int64_t ms);

/* --- what came ----------------------------------------------------------------------- */

/* The next element that was sent to the client; the test fails if there is none. It stays until
 * lnt_free(). */
const struct ln_elem *lnt_next(struct lnt *t, const char *jid);

/* The next element is an iq result with this id, or a stanza with this error; returned. */
const struct ln_elem *lnt_expect_result(struct lnt *t, const char *jid, const char *id);
const struct ln_elem *lnt_expect_error(struct lnt *t, const char *jid, const char *type,
    const char *condition);

/* Nothing is left. */
void lnt_expect_nothing(struct lnt *t, const char *jid);

/* Drops what came. */
void lnt_skip(struct lnt *t, const char *jid);

/* So many messages without an error were delivered to it since it logged in. They need not have
 * been looked at. */
void lnt_expect_delivered(struct lnt *t, const char *jid, unsigned count);

/* The server ended its stream with this error; NULL: it did not. */
void lnt_expect_closed(struct lnt *t, const char *jid, const char *condition);

/* A counter as it is exported, added up over its labels, since lnt_new(). */
void lnt_expect_metric(struct lnt *t, const char *name, int64_t value);

/* --- inside --------------------------------------------------------------------------- */

/* The module's instance, and its state of an account that is loaded (NULL: none), to look at. */
const struct ln_mod *lnt_mod(struct lnt *t, const char *module);
void *lnt_account_state(struct lnt *t, const char *module, const char *jid);

#endif
