/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* wants the four above first */

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/page_scan.h"

#define LENGTH ((size_t)300 << 30)
#define STEP ((size_t)3 << 30)
#define TOUCHED (LENGTH / STEP)

static int pagemap(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static uint8_t *reserve(void)
{
	void *at = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		skip(); /* a limit on address space */
	assert_int_equal(madvise(at, LENGTH, MADV_NOHUGEPAGE), 0);
	return at;
}

static void touched_pages_of_a_huge_mapping_are_found(void **state)
{
	(void)state;
	uint8_t *memory = reserve();
	for (size_t i = 0; i < TOUCHED; i++)
		memory[i * STEP] = 1;
	int fd = pagemap();
	size_t page = (size_t)sysconf(_SC_PAGESIZE), met = 0;
	hs_addr at = (uintptr_t)memory, end = at + LENGTH;
	while (at < end) {
		/* Fewer than there are: it goes on where it stopped. */
		struct hs_page_range range[7];
		int n = hs_page_scan(fd, at, end, range, 7, &at);
		if (n < 0 && met == 0) {
			(void)close(fd);
			(void)munmap(memory, LENGTH);
			skip(); /* before Linux 6.7 */
		}
		assert_in_range(n, 0, 7);
		for (int i = 0; i < n; i++, met++) {
			assert_int_equal(range[i].start,
					 (uintptr_t)memory + met * STEP);
			assert_int_equal(range[i].end - range[i].start, page);
		}
	}
	assert_int_equal(met, TOUCHED);
	(void)close(fd);
	(void)munmap(memory, LENGTH);
}

static void a_file_that_is_no_page_map_cannot_tell(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct hs_page_range range[2];
	hs_addr at = 0;
	assert_int_equal(hs_page_scan(fd, 0, 1u << 20, range, 2, &at), -1);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(touched_pages_of_a_huge_mapping_are_found),
		cmocka_unit_test(a_file_that_is_no_page_map_cannot_tell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
