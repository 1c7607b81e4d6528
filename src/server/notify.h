/*
 * What the service manager (systemd) is told: ready, reloading, stopping, and
 * that we are alive. Without one, or without libsystemd, nothing happens.
 * Main thread.
 *
 *	notify_ready()		after start; begins the watchdog where one is wanted
 *	notify_reloading() ... notify_reloaded()
 *	notify_stopping()
 *	notify_close()		after the main loop
 *
 * Alive means that every worker takes messages: the watchdog (WatchdogSec= of
 * the unit) is fed when all workers have answered the last round of questions,
 * so one that hangs gets the daemon restarted.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_NOTIFY_H
#define LN_SERVER_NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_reloaded(void);
void notify_stopping(void);
void notify_close(void);

#endif
