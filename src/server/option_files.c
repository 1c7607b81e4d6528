/*
 * Files that options name. See option_files.h.
 *
 * Opened without blocking and only if regular, so that a FIFO or a device
 * named by mistake cannot hold the server up.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/option_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

#define SECRET_MAX 4096

const char *
option_file_path(struct arena *arena, const char *named_in, const char *path)
{
	const char *slash = strrchr(named_in, '/');

	if (path[0] == '/' || slash == NULL)
		return arena_strdup(arena, path);
	return arena_printf(arena, "%.*s/%s", (int)(slash - named_in), named_in, path);
}

static const char *
errno_text(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return "does not exist";
	case EACCES:
	case EPERM:
		return "cannot be read: permission denied";
	default:
		return "cannot be read";
	}
}

int
option_file_open(const char *path, const char **problem_r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	*problem_r = NULL;
	if (fd < 0) {
		*problem_r = errno_text();
		return -1;
	}
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	*problem_r = "is not a regular file";
	close(fd);
	return -1;
}

const char *
option_file_check(const char *path)
{
	const char *problem;
	int fd = option_file_open(path, &problem);

	if (fd >= 0)
		close(fd);
	return problem;
}

const char *
option_file_secret(struct arena *arena, const char *path, const char **secret_r)
{
	char bytes[SECRET_MAX + 1];
	const char *problem;
	int fd = option_file_open(path, &problem);
	ssize_t len;

	if (fd < 0)
		return problem;
	len = read(fd, bytes, sizeof bytes);
	close(fd);
	if (len < 0)
		return "cannot be read";
	if (len > SECRET_MAX)
		return "is too long for a secret";
	bytes[len] = '\0';
	bytes[strcspn(bytes, "\r\n")] = '\0';
	if (bytes[0] == '\0')
		return "is empty";
	*secret_r = arena_strdup(arena, bytes);
	explicit_bzero(bytes, sizeof bytes);
	return NULL;
}
