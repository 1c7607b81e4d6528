/*
 * linnetd - the daemon. Everything it does is in src/server/.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

int
main(int argc, char **argv)
{
	(void)argv;
	printf("linnetd %s\n", LN_VERSION);
	return argc > 1;
}
