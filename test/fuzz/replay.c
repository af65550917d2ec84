/*
 * replay.c
 *	  Run a fuzzer on saved inputs, and without libFuzzer on random ones.
 *
 *		replay_x file-or-directory ...		each file once
 *		replay_x -seconds=N file-or-directory ...	then mutations of them for N s
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define INPUT_MAX_BYTES	4096
#define MAX_FILES	4096

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *files[MAX_FILES];
static int	nfiles;
static uint64_t random_state = 42;

static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* The file's bytes in memory of exactly that size, so that ASan sees overruns. */
static uint8_t *
load(const char *path, size_t *size)
{
	FILE	   *f = fopen(path, "rb");
	long		n;
	uint8_t    *data;

	if (f == NULL)
	{
		perror(path);
		exit(2);
	}
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	data = malloc(n > 0 ? (size_t) n : 1);
	if (data == NULL || fread(data, 1, (size_t) n, f) != (size_t) n)
		exit(2);
	fclose(f);
	*size = (size_t) n;
	return data;
}

static void
collect(const char *path)
{
	struct stat st;
	DIR		   *dir;
	struct dirent *e;

	if (stat(path, &st) != 0)
		return;					/* an empty corpus is not kept */
	if (!S_ISDIR(st.st_mode))
	{
		if (nfiles < MAX_FILES)
			files[nfiles++] = strdup(path);
		return;
	}
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL)
	{
		char		name[1024];

		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		collect(name);
	}
	if (dir != NULL)
		closedir(dir);
}

/* A few bytes of a saved input changed, or bytes of chance alone. */
static size_t
mutate(uint8_t *buf)
{
	size_t		size = next_random() % INPUT_MAX_BYTES;

	if (nfiles > 0 && next_random() % 4 != 0)
	{
		uint8_t    *data = load(files[next_random() % (uint64_t) nfiles], &size);

		if (size > INPUT_MAX_BYTES)
			size = INPUT_MAX_BYTES;
		memcpy(buf, data, size);
		free(data);
		for (uint64_t n = next_random() % 8 + 1; n > 0 && size > 0; n--)
			buf[next_random() % size] = (uint8_t) next_random();
		if (next_random() % 4 == 0)
			size = next_random() % (size + 1);
		return size;
	}
	for (size_t i = 0; i < size; i++)
		buf[i] = (uint8_t) next_random();
	return size;
}

int
main(int argc, char **argv)
{
	int			seconds = 0;
	long		runs = 0;
	time_t		end;

	for (int i = 1; i < argc; i++)
	{
		if (strncmp(argv[i], "-seconds=", 9) == 0)
			seconds = atoi(argv[i] + 9);
		else
			collect(argv[i]);
	}
	for (int i = 0; i < nfiles; i++, runs++)
	{
		size_t		size;
		uint8_t    *data = load(files[i], &size);

		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	for (end = time(NULL) + seconds; seconds > 0 && time(NULL) < end; runs++)
	{
		uint8_t		buf[INPUT_MAX_BYTES];
		size_t		size = mutate(buf);
		uint8_t    *data = malloc(size > 0 ? size : 1);

		memcpy(data, buf, size);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	printf("%ld inputs\n", runs);
	return 0;
}
