/*
 * Other servers and components. See apply_s2s.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/apply_s2s.h"

static int64_t
or_off(int64_t value)
{
	return value >= LN_OFF ? 0 : value;
}

static enum route_tls
route_tls(int word)
{
	if (word == CONFIG_ROUTE_DIRECT)
		return ROUTE_DIRECT;
	return word == CONFIG_ROUTE_OFF ? ROUTE_OFF : ROUTE_STARTTLS;
}

static const struct s2s_route *
make_routes(struct arena *arena, const struct ln_map *map)
{
	const struct config_route *from = map->items;
	struct s2s_route *routes = arena_zalloc(arena, (map->count + 1) * sizeof *routes);

	for (size_t i = 0; i < map->count; i++)
		routes[i] = (struct s2s_route){
			.domain = map->keys[i],
			.host = from[i].address.host,
			.port = (uint16_t)from[i].address.port,
			.tls = route_tls(from[i].tls),
		};
	return routes;
}

const struct s2s_conf *
apply_s2s(struct arena *arena, const struct config_s2s *conf)
{
	struct s2s_conf *s2s = arena_zalloc(arena, sizeof *s2s);

	s2s->tls_required = conf->tls == CONFIG_TLS_REQUIRED;
	s2s->dialback = conf->trust == CONFIG_TRUST_DIALBACK;
	s2s->dane = conf->dane;
	s2s->allow_all = conf->allow_word == CONFIG_ALLOW_ALL;
	s2s->idle_ms = or_off(ln_ms(conf->idle));
	s2s->dead_after_ms = or_off(ln_ms(conf->dead_after));
	s2s->stanza_max = apply_stanza_max(conf->stanza);
	s2s->without_tls = conf->without_tls;
	s2s->allow = conf->allow;
	s2s->deny = conf->deny;
	s2s->routes = make_routes(arena, &conf->routes);
	s2s->route_count = conf->routes.count;
	return s2s;
}

/* Other servers can reach us, or we know where they are. */
static bool
federates(const struct config *config)
{
	if (config->listen.s2s.count > 0 || config->listen.s2s_tls.count > 0 ||
	    config->s2s.routes.count > 0)
		return true;
	for (size_t i = 0; i < config->host_count; i++)
		if (config->hosts[i].s2s.routes.count > 0)
			return true;
	return false;
}

void
apply_federation(struct arena *arena, const struct config *config, struct core_conf *core)
{
	const struct config_component *from = config->components.items;
	struct component_conf *components =
	    arena_zalloc(arena, (config->components.count + 1) * sizeof *components);

	for (size_t i = 0; i < config->components.count; i++)
		components[i] = (struct component_conf){
			.domain = config->components.keys[i],
			.secret = from[i].secret,
		};
	core->federates = federates(config);
	core->s2s = apply_s2s(arena, &config->s2s);
	core->components = components;
	core->component_count = config->components.count;
}
