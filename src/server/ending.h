/*
 * The end, in its order (DESIGN section 8): rooms tell their occupants, streams
 * are asked for what they acknowledge and closed, sessions end, links with
 * other servers give back what was not acknowledged. Then the threads may be
 * joined and the store closed.
 *
 * Each step is over as soon as nothing is waited for any more. All together
 * have 15 s: a peer or a fault of ours cannot hold up the end, and what was not
 * acknowledged is on disk in any case.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_ENDING_H
#define LN_SERVER_ENDING_H

/* Main thread, once: begins; `done` is called there, once. */
void ending_begin(void (*done)(void));

#endif
