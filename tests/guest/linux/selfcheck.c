// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of the guest's self-check that a shell cannot do: many processes
 * at once, memory touched and verified, and the write to port 0xf4 that ends
 * the machine with a verdict.  It makes its system calls itself, so that it
 * builds for amd64 and i386 without a C library of either.
 *
 *	selfcheck fork N	N processes, alive at once, share and copy pages
 *	selfcheck memory	three quarters of memory, each word distinct
 *	selfcheck end V		write V to port 0xf4
 */
#include <asm/unistd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE		4096
#define PROT_RW		3
#define MAP_SHARED	1
#define MAP_PRIVATE	2
#define MAP_ANONYMOUS	0x20
#define END_PORT	0xf4

#ifdef __x86_64__
static long call(long nr, long a, long b, long c, long d)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = -1;	/* mmap: no file, offset 0 */
	register long r9 asm("r9") = 0;
	long result;

	asm volatile("syscall" : "=a"(result)
		     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

#define NR_MMAP __NR_mmap
asm(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
#else
static long call(long nr, long a, long b, long c, long d)
{
	long result;

	/* mmap2 wants -1 and 0 in edi and ebp; the latter gcc keeps to itself. */
	asm volatile("push %%ebp; xor %%ebp, %%ebp; int $0x80; pop %%ebp" : "=a"(result)
		     : "0"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(-1) : "memory");
	return result;
}

#define NR_MMAP __NR_mmap2
asm(".globl _start\n_start: mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n"
    "push %eax\n call start\n");
#endif

static void print(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	call(__NR_write, 1, (long)text, length, 0);
}

static void print_number(unsigned long value)
{
	char digits[24], *at = digits + sizeof(digits) - 1;

	*at = 0;
	do
		*--at = '0' + value % 10;
	while (value /= 10);
	print(at);
}

static void quit(int status)
{
	call(__NR_exit_group, status, 0, 0, 0);
	__builtin_unreachable();
}

static void fail(const char *what, unsigned long value)
{
	print("guest: ");
	print(what);
	print(" (");
	print_number(value);
	print(")\n");
	quit(1);
}

static void *map(unsigned long size, int flags)
{
	long address = call(NR_MMAP, 0, size, PROT_RW, flags | MAP_ANONYMOUS);

	if (address < 0 && address > -PAGE)
		fail("mmap failed", -address);
	return (void *)address;
}

static unsigned long parse(const char *text)
{
	unsigned long value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + *text++ - '0';
	return value;
}

/* What a word at @address holds in round @round: no two alike. */
static uintptr_t pattern(uintptr_t address, unsigned long round)
{
	return (address ^ round << 20) * 2654435761u + round;
}

static void fill(uintptr_t *words, size_t count, unsigned long round)
{
	for (size_t i = 0; i < count; i++)
		words[i] = pattern((uintptr_t)&words[i], round);
}

static bool verify(const uintptr_t *words, size_t count, unsigned long round)
{
	for (size_t i = 0; i < count; i++)
		if (words[i] != pattern((uintptr_t)&words[i], round))
			return false;
	return true;
}

#define COPIED_PAGES 4
#define COPIED_WORDS (COPIED_PAGES * PAGE / sizeof(uintptr_t))

/* Copies pages by writing to them, counts itself, and waits for all others. */
static void child(uintptr_t *copied, unsigned int *count, const int *gate, unsigned long id)
{
	char byte;

	call(__NR_close, gate[1], 0, 0, 0);
	if (!verify(copied, COPIED_WORDS, 0))
		quit(101);
	fill(copied, COPIED_WORDS, id);
	__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
	/* End of file comes when the last writer, our parent, has closed. */
	call(__NR_read, gate[0], (long)&byte, 1, 0);
	if (!verify(copied, COPIED_WORDS, id))
		quit(102);
	quit(id % 100);
}

static void check_fork(unsigned long n)
{
	uintptr_t *copied = map(COPIED_PAGES * PAGE, MAP_PRIVATE);
	unsigned int *count = map(PAGE, MAP_SHARED);
	long *pids = map(n * sizeof(long), MAP_PRIVATE);
	int gate[2], status;

	fill(copied, COPIED_WORDS, 0);
	call(__NR_pipe, (long)gate, 0, 0, 0);
	for (unsigned long id = 0; id < n; id++) {
		pids[id] = call(__NR_fork, 0, 0, 0, 0);
		if (!pids[id])
			child(copied, count, gate, id + 1);
		if (pids[id] < 0)
			fail("fork failed", -pids[id]);
	}
	call(__NR_close, gate[1], 0, 0, 0);
	for (unsigned long id = 0; id < n; id++) {
		if (call(__NR_wait4, pids[id], (long)&status, 0, 0) != pids[id])
			fail("wait failed for process", id);
		if (status != (int)((id + 1) % 100) << 8)
			fail("process ended with wrong status", status);
	}
	if (*count != n)
		fail("processes counted", *count);
	if (!verify(copied, COPIED_WORDS, 0))
		fail("a page was not copied on write", 0);
	print("guest: forked ");
	print_number(n);
	print(" processes\n");
}

static unsigned long total_memory(void)
{
	/* struct sysinfo: uptime, 3 loads, totalram, ...; mem_unit is 1 below 4 GiB. */
	unsigned long info[32];

	call(__NR_sysinfo, (long)info, 0, 0, 0);
	return info[4];
}

static void check_memory(void)
{
	unsigned long size = total_memory() / 4 * 3 & -PAGE;
	size_t count = size / sizeof(uintptr_t);
	uintptr_t *words = map(size, MAP_PRIVATE);

	fill(words, count, 1);
	if (!verify(words, count, 1))
		fail("memory holds other than was written", 1);
	print("guest: verified ");
	print_number(size >> 20);
	print(" MiB of memory\n");
}

static void end(unsigned char value)
{
	call(__NR_ioperm, END_PORT, 1, 1, 0);
	asm volatile("outb %0, %1" : : "a"(value), "Nd"((uint16_t)END_PORT));
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* @stack is what the kernel left: argc, argv[0] ... */
__attribute__((used)) void start(long *stack)
{
	char **argv = (char **)(stack + 1);
	long argc = stack[0];

	if (argc == 3 && same(argv[1], "fork"))
		check_fork(parse(argv[2]));
	else if (argc == 2 && same(argv[1], "memory"))
		check_memory();
	else if (argc == 3 && same(argv[1], "end"))
		end(parse(argv[2]));
	else
		fail("usage: selfcheck fork N | memory | end V", argc);
	quit(0);
}
