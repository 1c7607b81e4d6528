/*
 * Times as XEP-0082 writes them. See linnet/stanza.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "linnet/stanza.h"

_Static_assert(LN_DATETIME_MAX >= CLOCK_STAMP_MAX, "room for a stamp");

const char *
ln_datetime(int64_t wall_ms, char out[LN_DATETIME_MAX])
{
	return clock_stamp(wall_ms, out);
}

/* "Z", "+hh:mm" or "-hh:mm": its milliseconds; false: it is none. */
static bool
read_zone(const char *text, int64_t *ms_r)
{
	char *end;
	long hours, minutes;

	*ms_r = 0;
	if (strcmp(text, "Z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	hours = strtol(text + 1, &end, 10);
	if (end != text + 3 || *end != ':')
		return false;
	minutes = strtol(text + 4, &end, 10);
	if (end != text + 6 || *end != '\0')
		return false;
	*ms_r = (*text == '+' ? 1 : -1) * (hours * 60 + minutes) * INT64_C(60000);
	return true;
}

/* "2002-09-10T23:08:25[.fraction]ZONE" */
int64_t
ln_datetime_read(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t ms = 0, zone;
	int scale = 100;

	if (rest == NULL)
		return -1;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
			ms += (int64_t)(*rest - '0') * scale;
	return read_zone(rest, &zone) ? (int64_t)timegm(&tm) * 1000 + ms - zone : -1;
}
