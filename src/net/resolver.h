/*
 * The resolver: questions to DNS, answered by message.
 *
 * libunbound carries, caches and validates; it lives on the main thread's
 * worker, so that neither its signatures nor the files it reads hold up XMPP.
 * Nothing here blocks. Identical questions that are open at the same time are
 * one; each has a deadline of its own, 5 s.
 *
 *	resolver_init();				main thread, before the workers start
 *	resolver_open(&config);				main thread; again: with other servers
 *	id = resolver_ask("example.org", DNS_A, on_answer, arg);	any worker
 *	  -> on_answer(arg, answer)			the same worker, a later turn
 *	resolver_cancel(id);				before arg goes
 *	resolver_close();				main thread, while workers still turn
 *	resolver_free();				main thread, before workers_stop()
 *
 * Bounds: 1,000 names that somebody waits for (and 3,000 that nobody does any
 * more), 16,000 askers, 16 MiB of caches.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_RESOLVER_H
#define LN_NET_RESOLVER_H

#include "net/dns.h"

#define RESOLVER_DEADLINE_MS 5000
#define RESOLVER_NAMES_MAX 1000
#define RESOLVER_ASKERS_MAX 16000

enum resolver_anchor {
	RESOLVER_ANCHOR_AUTO, /* the root's, if the servers hand on signatures; tried at start */
	RESOLVER_ANCHOR_FILE, /* insist */
	RESOLVER_ANCHOR_NONE  /* no validation: nothing is secure */
};

struct resolver_config {
	const struct netaddr *servers; /* NULL: those of /etc/resolv.conf, and /etc/hosts */
	size_t n_servers;
	enum resolver_anchor anchor;
	const char *anchor_file; /* DS or DNSKEY records; NULL: Debian's dns-root-data */
	/* Domains below which nothing is validated, for the root proves that they do not exist and a
	 * network has them all the same; A-labels. What is found there is never secure. */
	const char *const *insecure;
	size_t n_insecure;
};

/* Main thread, once, before the workers start. */
void resolver_init(void);

/*
 * Main thread. Copies `config`; nothing is opened or sent before the first
 * question (an empty server stays small). Opened again, what is open is asked
 * again if anything has changed.
 */
void resolver_open(const struct resolver_config *config);

/* Main thread: finds out now, not at the first question, what AUTO stands for. */
void resolver_try(void);

/* Main thread. Open questions, and new ones, are answered DNS_FAILED. */
void resolver_close(void);

/* Main thread, when nobody asks any more. */
void resolver_free(void);

/* Called once, unless cancelled. The answer is valid during the call; take a reference to keep it. */
typedef void (*resolver_fn)(void *arg, const struct dns_answer *answer);

/*
 * Any worker. `name` in A-labels, with or without the last dot. Never answers
 * before it has returned. The id is never 0.
 */
uint64_t resolver_ask(const char *name, enum dns_type type, resolver_fn fn, void *arg);

/* On the worker that asked; harmless when answered, or 0. */
void resolver_cancel(uint64_t id);

enum resolver_security {
	RESOLVER_TRYING,    /* AUTO: not known yet */
	RESOLVER_VALIDATES, /* answers can be secure */
	RESOLVER_DOES_NOT   /* NONE, or the servers do not hand on signatures */
};

/* Any thread. */
enum resolver_security resolver_security(void);

/* For people: whom we ask, "127.0.0.1@53, ::1@53". Main thread; malloc()ed. */
char *resolver_servers(void);

/*
 * Tests without a network: `fake` makes every answer, on the main thread's
 * worker; NULL: as if it never came (the deadline does). Before the workers start;
 * NULL ends it. resolver_open() is then not needed, resolver_init() is.
 */
typedef struct dns_answer *(*resolver_fake_fn)(const char *name, enum dns_type type);
void resolver_set_fake(resolver_fake_fn fake);

#endif
