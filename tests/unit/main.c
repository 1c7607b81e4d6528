/*
 * The runner of every unit test program: runs the one suite the program
 * defines. CK_FORK, CK_RUN_CASE and the like (see Check's manual) work as
 * usual.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdlib.h>

Suite *suite(void);

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
