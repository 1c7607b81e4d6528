/*
 * The control socket: where linnetctl speaks with the server.
 *
 *	control = control_open(path, uid, gid, error);	may be root still
 *	control_start(control);				the main worker exists
 *	...						commands run
 *	control_close(&control);
 *
 * A Unix socket of mode 0600; root and the server's own user may connect. Each
 * connection has one command under way at a time. All on the main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_CONTROL_H
#define LN_SERVER_CONTROL_H

#include <sys/types.h>

struct control;

#define CONTROL_CONNECTIONS_MAX 64
#define CONTROL_ERROR_MAX 256

/*
 * Binds; NULL with a sentence in `error` if it cannot, or if another server
 * answers there. A socket that a dead server left behind is replaced; a missing
 * last directory of the path is made. Both then belong to `uid` and `gid`.
 */
struct control *control_open(const char *path, uid_t uid, gid_t gid, char error[CONTROL_ERROR_MAX]);

/* Commands are answered from the next turn of the main worker on. */
void control_start(struct control *control);

/* Closes all connections and removes the socket. Commands under way end unheard. */
void control_close(struct control **control);

#endif
