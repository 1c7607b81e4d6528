/*
 * mod_time - what time it is here (XEP-0202).
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static enum ln_verdict
time_get(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct ln_stanza *result = ln_iq_result(ev->stanza);
	struct ln_elem *elem = ln_add(result, "time", NS_TIME);
	int64_t wall = ln_wall();
	time_t now = (time_t)(wall / 1000);
	struct tm local, utc;
	char text[40];
	long minutes;

	(void)mod;
	localtime_r(&now, &local);
	gmtime_r(&now, &utc);
	minutes = local.tm_gmtoff / 60;
	ln_add_textf(elem, "tzo", "%c%02ld:%02ld", minutes < 0 ? '-' : '+', labs(minutes) / 60,
	    labs(minutes) % 60);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
	ln_add_text(elem, "utc", text);
	return ln_answer(ev, result);
}

static const struct ln_iq_handler iq_handlers[] = {
	{ LN_IQ_GET, LN_TO_HOST, "urn:xmpp:time", "time", time_get, false }, LN_IQ_END
};

LN_MODULE(time, .summary = "XEP-0202: Entity Time", .iq_handlers = iq_handlers,
    .features = LN_FEATURES("urn:xmpp:time"), .for_components = true, );
