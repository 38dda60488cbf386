// SPDX-License-Identifier: GPL-2.0
/*
 * kcov.c - which of the module's basic blocks a sequence reached, where the
 * host's kernel is built with CONFIG_KCOV.  One bit per byte of the module, in
 * memory that all machines share.
 */
#include <fcntl.h>
#include "ioctlfuzz.h"

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0
#define ENTRIES		(64 << 10)

static unsigned long module_start, module_size;
static _Atomic u64 *seen;
static _Thread_local u64 *trace;

static bool find_module(void)
{
	FILE *f = fopen("/proc/modules", "r");
	char line[400];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "kvm %lu %*s %*s %*s %lx", &module_size, &module_start) == 2)
			found = module_start;
	if (f)
		fclose(f);
	return found;
}

bool kcov_setup(void)
{
	if (access("/sys/kernel/debug/kcov", W_OK) || !find_module())
		return false;
	seen = mmap(NULL, module_size / 8 + PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(seen != MAP_FAILED);
	return true;
}

void kcov_thread(void)
{
	int fd, high;

	if (!seen)
		return;
	fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, ENTRIES))
		return;
	/* Far from the numbers that are closed at random. */
	high = fcntl(fd, F_DUPFD_CLOEXEC, 500);
	close(fd);
	trace = mmap(NULL, ENTRIES * sizeof(u64), PROT_READ | PROT_WRITE, MAP_SHARED, high, 0);
	if (trace == MAP_FAILED || ioctl(high, KCOV_ENABLE, KCOV_TRACE_PC))
		trace = NULL;
}

void kcov_begin(void)
{
	if (trace)
		__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

unsigned int kcov_end(void)
{
	unsigned int i, n, new = 0;

	if (!trace)
		return 0;
	n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < ENTRIES; i++) {
		u64 at = trace[i] - module_start;

		if (at >= module_size)
			continue;
		if (seen[at / 64] & BIT(at % 64))
			continue;
		if (!(atomic_fetch_or(&seen[at / 64], BIT(at % 64)) & BIT(at % 64)))
			new++;
	}
	shared->nr_pcs += new;
	return new;
}
