/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What this machine can do, to hold other numbers against. Each prints
 * "SECONDS GB/S".
 *
 *	pass file PATH     one plain pass: map the file, add up all its words
 *	pass halves PATH   the same on two threads, half of the file each
 *	pass memory        the same over 1 GB of memory that is there already
 *	pass new           1 GB of memory that this process did not have yet:
 *	                   a virtual machine may have to ask its host for it
 *	pass readv         process_vm_readv() of 1 GB out of another process
 */

#define GIB ((size_t)1 << 30)

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

_Noreturn static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void tell(double seconds, size_t bytes)
{
	printf("%.4f %.2f\n", seconds, (double)bytes / seconds * 1e-9);
}

static uint64_t add_up(const void *bytes, size_t len)
{
	const uint64_t *word = bytes;
	uint64_t sum = 0;
	for (size_t i = 0; i < len / sizeof(*word); i++)
		sum += word[i];
	return sum;
}

static void *gigabyte(void)
{
	void *p = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	(void)madvise(p, GIB, MADV_HUGEPAGE); /* as heapscan does */
	memset(p, 1, GIB);
	return p;
}

static volatile uint64_t sink; /* so that the sum is really made */

static void pass_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	if (fd < 0 || fstat(fd, &info) != 0)
		fail(path);
	size_t len = (size_t)info.st_size;
	double start = now();
	void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		fail("mmap");
	sink = add_up(bytes, len);
	tell(now() - start, len);
}

struct half {
	const char *bytes;
	size_t len;
};

static void *add_half(void *arg)
{
	const struct half *half = arg;
	sink = add_up(half->bytes, half->len);
	return NULL;
}

static void pass_halves(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	if (fd < 0 || fstat(fd, &info) != 0)
		fail(path);
	size_t len = (size_t)info.st_size, middle = len / 2 & ~(size_t)4095;
	double start = now();
	char *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		fail("mmap");
	struct half first = { bytes, middle };
	struct half second = { bytes + middle, len - middle };
	pthread_t other;
	if (pthread_create(&other, NULL, add_half, &second) != 0)
		fail("pthread_create");
	(void)add_half(&first);
	(void)pthread_join(other, NULL);
	tell(now() - start, len);
}

static void pass_memory(void)
{
	const void *bytes = gigabyte();
	double start = now();
	sink = add_up(bytes, GIB);
	tell(now() - start, GIB);
}

static void pass_new(void)
{
	double start = now();
	sink = *(const uint64_t *)gigabyte();
	tell(now() - start, GIB);
}

static void pass_readv(void)
{
	char *bytes = gigabyte(); /* shared with the child until written */
	int ready[2];
	if (pipe(ready) != 0)
		fail("pipe");
	pid_t child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		memset(bytes, 2, GIB);
		(void)!write(ready[1], "r", 1);
		for (;;)
			(void)pause();
	}
	char r;
	if (read(ready[0], &r, 1) != 1)
		fail("read");
	const size_t step = 16 << 20;
	double start = now();
	for (size_t at = 0; at < GIB; at += step) {
		struct iovec here = { bytes + at, step };
		struct iovec there = { bytes + at, step };
		if (process_vm_readv(child, &here, 1, &there, 1, 0) !=
		    (ssize_t)step)
			fail("process_vm_readv");
	}
	tell(now() - start, GIB);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "file") == 0)
		pass_file(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "halves") == 0)
		pass_halves(argv[2]);
	else if (argc == 2 && strcmp(argv[1], "memory") == 0)
		pass_memory();
	else if (argc == 2 && strcmp(argv[1], "new") == 0)
		pass_new();
	else if (argc == 2 && strcmp(argv[1], "readv") == 0)
		pass_readv();
	else
		return 2;
	return 0;
}
