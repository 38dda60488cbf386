// SPDX-License-Identifier: GPL-2.0
/*
 * /init of the benchmarks' Linux guest.  Its last argument, a word of the
 * kernel's command line, names what is measured:
 *
 *	boot	nothing more: the guest's TSC began at 0 with its processor
 *	fork	1000 times fork, exit, wait
 *	exec	200 times fork, exec of busybox, exit, wait
 *
 * Prints "bench NAME TIMES TICKS" as the bare guest does, and powers off.  It
 * makes its system calls itself, so it needs no C library.
 */
#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

#include "marker.h"

#define REBOOT_MAGIC1	0xfee1dead
#define REBOOT_MAGIC2	672274793
#define REBOOT_POWER_OFF 0x4321fedc

static long call(long nr, long a, long b, long c, long d)
{
	register long r10 asm("r10") = d;
	long result;

	asm volatile("syscall" : "=a"(result)
		     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return result;
}

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static void print(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	call(__NR_write, 1, (long)text, length, 0);
}

static void print_number(uint64_t value)
{
	char digits[24], *at = digits + sizeof(digits) - 1;

	*at = 0;
	do
		*--at = '0' + value % 10;
	while (value /= 10);
	print(at);
}

static void report(const char *name, unsigned int times, uint64_t ticks)
{
	print("bench ");
	print(name);
	print(" ");
	print_number(times);
	print(" ");
	print_number(ticks);
	print("\n");
}

static void fork_and_wait(const char *program)
{
	static const char *const argv[] = { "true", NULL };
	int status = 0;
	long pid = call(__NR_fork, 0, 0, 0, 0);

	if (!pid) {
		if (program)
			call(__NR_execve, (long)program, (long)argv, (long)(argv + 1), 0);
		call(__NR_exit_group, !!program, 0, 0, 0);
	}
	if (call(__NR_wait4, pid, (long)&status, 0, 0) != pid || status)
		print("bench: a child failed\n");
}

static void measure(const char *name, unsigned int times, const char *program)
{
	uint64_t start;
	unsigned int i;

	for (i = 0; i < times / 10; i++)
		fork_and_wait(program);
	MARK(MARKER_BEGIN);
	start = rdtsc();
	for (i = 0; i < times; i++)
		fork_and_wait(program);
	start = rdtsc() - start;
	MARK(MARKER_END);
	report(name, times, start);
}

/* @stack is what the kernel left: argc, argv[0] ... */
__attribute__((used)) void begin(long *stack)
{
	uint64_t up = rdtsc();
	char **argv = (char **)(stack + 1);
	/* The kernel puts words it knows only half, like noxsave, before ours. */
	char what = stack[0] > 1 ? argv[stack[0] - 1][0] : 0;

	if (what == 'b') {
		MARK(MARKER_END);
		report("boot", 1, up);
	} else if (what == 'f') {
		measure("fork", 1000, NULL);
	} else if (what == 'e') {
		measure("exec", 200, "/bin/busybox");
	}
	call(__NR_reboot, REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_POWER_OFF, 0);
}

asm(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
