/*
 * The last line of the log: which fault ended the process, on which thread and
 * in which module's handler. Then the fault takes its usual course (a core
 * dump, a sanitizer's report).
 *
 *	fatal_init()	at start, before the workers
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_FATAL_H
#define LN_SERVER_FATAL_H

/* Main thread. Workers that start later get a stack for the handler: an overflow is told too. */
void fatal_init(void);

#endif
