/*
 * A configuration's files made one tree. See config.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <glob.h>
#include <string.h>

#include "server/config_source.h"
#include "server/option_files.h"

static bool
include_file(struct arena *arena, struct yaml_node *root, const char *file, struct report *report)
{
	struct yaml_node *tree = yaml_read(arena, file, report);
	const struct yaml_node *nested = yaml_get(tree, "include");

	if (tree == NULL)
		return false;
	if (nested != NULL) {
		report_add(report, nested->key_place,
		    "an included file cannot include others; name them in the first file");
		return true;
	}
	yaml_merge(root, tree, report);
	return true;
}

/* A pattern that matches nothing is fine, a name is not. */
static bool
include_pattern(struct arena *arena, struct yaml_node *root, const struct yaml_node *item,
    struct report *report)
{
	const char *pattern = option_file_path(arena, item->place.file, item->text);
	glob_t found = { 0 };
	bool good = true;

	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			good = include_file(arena, root, found.gl_pathv[i], report) && good;
	} else if (strpbrk(item->text, "*?[") == NULL) {
		report_add(report, item->place, "include: %s does not exist", pattern);
	}
	globfree(&found);
	return good;
}

static bool
read_includes(struct arena *arena, struct yaml_node *root, struct report *report)
{
	const struct yaml_node *list = yaml_get(root, "include"), *item;
	bool good = true;

	if (list == NULL || list->kind != YAML_LIST)
		return true;
	for (item = list->first; item != NULL; item = item->next)
		if (item->kind == YAML_TEXT)
			good = include_pattern(arena, root, item, report) && good;
	return good;
}

struct yaml_node *
config_read_files(struct arena *arena, const char *file, struct report *report)
{
	struct yaml_node *root = yaml_read(arena, file, report);

	if (root == NULL || !read_includes(arena, root, report))
		return NULL;
	return root;
}
