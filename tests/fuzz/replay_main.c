/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cleanup.h"

/*
 * Runs a fuzz harness over the files of a folder, so that what fuzzing found
 * once is tested in every run, with any compiler.
 *
 *	fuzz_NAME_replay CORPUS [CRASHES]
 *
 * CORPUS must hold at least one file: a replay of nothing proves nothing.
 * CRASHES, the inputs that once broke something, need not exist.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void close_folder(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static void close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static int replay_file(const char *path, size_t len)
{
	HS_CLEANUP(close_file) FILE *file = fopen(path, "rb");
	/* Exactly as long as the input, so that ASan sees a read behind it. */
	HS_AUTO_FREE uint8_t *bytes = malloc(len ? len : 1);
	if (!file || !bytes || fread(bytes, 1, len, file) != len) {
		(void)fprintf(stderr, "cannot read '%s'\n", path);
		return -1;
	}
	/* Before the call: if the harness aborts, the last line is the one. */
	(void)fprintf(stderr, "%s (%zu bytes)\n", path, len);
	(void)LLVMFuzzerTestOneInput(bytes, len);
	return 0;
}

/* How many files were fed, or -1. */
static long replay_folder(const char *folder)
{
	HS_CLEANUP(close_folder) DIR *dir = opendir(folder);
	if (!dir)
		return errno == ENOENT ? 0 : -1;
	long fed = 0;
	const struct dirent *entry;
	while ((entry = readdir(dir))) {
		char path[4096];
		struct stat info;
		if (snprintf(path, sizeof(path), "%s/%s", folder,
			     entry->d_name) >= (int)sizeof(path))
			return -1;
		if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
			continue;
		if (replay_file(path, (size_t)info.st_size) != 0)
			return -1;
		fed++;
	}
	return fed;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		(void)fprintf(stderr, "usage: %s CORPUS [CRASHES]\n", argv[0]);
		return 2;
	}
	long fed = replay_folder(argv[1]);
	if (fed <= 0) {
		(void)fprintf(stderr, "no corpus in '%s'\n", argv[1]);
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		long more = replay_folder(argv[i]);
		if (more < 0)
			return 1;
		fed += more;
	}
	printf("%ld files replayed\n", fed);
	return 0;
}
