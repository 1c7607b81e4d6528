/*
 * HTTP for the modules: listeners' connections in, routes found, handlers called.
 *
 * A route belongs to a module on a host or a component. The request's Host
 * chooses among several that have the path; where it names none of ours (behind
 * a proxy) the first that has it answers. A request keeps the snapshot it began with,
 * so a reload changes nothing under a handler that answers later.
 *
 *	web_init(files);			before the workers start
 *	listener_open("*:5280", &options, web_accept, NULL, error);
 *	listener_open("*:5443", &options, web_accept_tls, NULL, error);
 *	pool_free(&files); web_close();		when the threads have ended
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_WEB_H
#define LN_SERVER_WEB_H

struct netaddr;
struct pool;

void web_init(struct pool *files);
void web_close(void);

/* listener_started_fn: on a worker; owns `fd`. */
void web_accept(int fd, const struct netaddr *peer, void *arg);
void web_accept_tls(int fd, const struct netaddr *peer, void *arg);

#endif
