/*
 * What cppcheck, which reads no system headers, must know of <sys/queue.h>.
 *
 * SPDX-License-Identifier: MIT
 */
#define LIST_HEAD(name, type)       \
	struct name {               \
		struct type *first; \
	}
#define TAILQ_HEAD(name, type)              \
	struct name {                       \
		struct type *first, **last; \
	}
