/*
 * linnetd - the daemon. Everything it does is in src/server/.
 *
 * SPDX-License-Identifier: MIT
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/daemon.h"

static int
usage(FILE *to, int status)
{
	fputs("usage: linnetd [-c FILE] [-t] [-v] [-h]\n"
	      "  -c FILE  the configuration (default: " LN_SYSCONF_DIR "/linnet/linnet.yaml)\n"
	      "  -t       check the configuration and exit\n"
	      "  -v       print the version and exit\n"
	      "  -h       print this and exit\n",
	    to);
	return status;
}

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ NULL, 0, NULL, 0 },
};

int
main(int argc, char **argv)
{
	const char *file = LN_SYSCONF_DIR "/linnet/linnet.yaml";
	int option, check = 0;

	while ((option = getopt_long(argc, argv, "c:htv", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 't':
			check = 1;
			break;
		case 'v':
			printf("linnetd %s\n", LN_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			return usage(stdout, EXIT_SUCCESS);
		default:
			return usage(stderr, 2);
		}
	}
	if (optind != argc)
		return usage(stderr, 2);
	return check ? daemon_check(file) : daemon_run(file);
}
