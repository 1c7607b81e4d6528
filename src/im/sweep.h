/*
 * Stored messages whose time is over: deleted at a start, and every hour.
 *
 * Who is given his stored messages is given none that is over; this is for
 * those who do not come. It goes through the rows a page at a time, and each
 * is deleted at the home of its account, which counts what waits for it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_SWEEP_H
#define LN_IM_SWEEP_H

/* At start, before the workers run; and once they do. */
void sweep_init(void);
void sweep_start(void);

#endif
