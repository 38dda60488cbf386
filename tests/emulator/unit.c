// SPDX-License-Identifier: GPL-2.0
/*
 * The runner of the unit tests: see unit.h.
 *
 * usage: unit [NAME-PREFIX]
 */
#include <stdio.h>
#include <stdlib.h>
#include "unit.h"

static unsigned int failures;
static const char *current;

void expect(const char *file, int line, const char *what, u64 got, u64 wanted)
{
	if (got == wanted)
		return;
	failures++;
	printf("%s:%d: %s: %s is %llx, not %llx\n", file, line, current, what,
	       (unsigned long long)got, (unsigned long long)wanted);
}

/* ------------------------------------------------------------------------
 * Steps
 */

int step_bytes(const char *code, unsigned int len)
{
	u64 la = m.c.mode == X86_MODE_LONG64 ? m.c.rip : (u32)(m.seg[X86_CS].base + m.c.rip);

	if (la + len <= sizeof(memory))
		memcpy(memory + la, code, len);
	return machine_step(&m);
}

void expect_result(const char *file, int line, int result, int expected)
{
	static const char *const names[] = { "OK", "FAULT", "IO", "RETRY", "UNHANDLED" };

	if (result == expected)
		return;
	failures++;
	printf("%s:%d: %s: result is %s, not %s", file, line, current, names[result],
	       names[expected]);
	if (result == X86_FAULT)
		printf(" (vector %u, error code %x, address %llx)", m.c.fault.vector,
		       m.c.fault.error, (unsigned long long)m.c.fault.address);
	printf("\n");
}

void expect_ok_bytes(const char *file, int line, const char *code, unsigned int len)
{
	expect_result(file, line, step_bytes(code, len), X86_OK);
}

void expect_faulted(const char *file, int line, int result, int vector, int error)
{
	expect_result(file, line, result, X86_FAULT);
	if (result != X86_FAULT)
		return;
	expect(file, line, "vector", m.c.fault.vector, vector);
	expect(file, line, "has error code", m.c.fault.has_error, error != NO_ERROR);
	if (error != NO_ERROR)
		expect(file, line, "error code", m.c.fault.error, error);
}

void expect_fault_bytes(const char *file, int line, const char *code, unsigned int len,
			int vector, int error)
{
	static u8 before[sizeof(memory)];
	static struct machine old;
	u64 la = (u32)(m.seg[X86_CS].base + m.c.rip);

	if (la + len <= sizeof(memory))
		memcpy(memory + la, code, len);
	memcpy(before, memory, sizeof(memory));
	old = m;
	expect_faulted(file, line, step_bytes(code, len), vector, error);
	expect(file, line, "memory changed", memcmp(before, memory, sizeof(memory)), 0);
	expect(file, line, "registers changed",
	       memcmp(old.c.regs, m.c.regs, sizeof(old.c.regs)), 0);
	expect(file, line, "rip", m.c.rip, old.c.rip);
	expect(file, line, "rflags", m.c.rflags, old.c.rflags);
	expect(file, line, "segments changed", memcmp(old.seg, m.seg, sizeof(old.seg)), 0);
	expect(file, line, "cpl", m.c.cpl, old.c.cpl);
}

/* ------------------------------------------------------------------------ */

static const struct {
	const char *name;
	const struct test *tests;
} suites[] = {
	{ "real", real_tests }, { "vm86", vm86_tests }, { "protected", protected_tests },
	{ "far", far_tests }, { "event", event_tests }, { "task", task_tests },
	{ "system", system_tests }, { "vector", vector_tests }, { "api", api_tests },
};

static unsigned int run_suite(const char *suite, const struct test *test, const char *prefix,
			      unsigned int *failed)
{
	unsigned int n = 0, before;
	char name[128];

	for (; test->run; test++) {
		snprintf(name, sizeof(name), "%s: %s", suite, test->name);
		if (strncmp(name, prefix, strlen(prefix)))
			continue;
		current = name;
		before = failures;
		test->run();
		*failed += failures != before;
		printf("%s unit: %s\n", failures == before ? "PASS" : "FAIL", name);
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	unsigned int i, n = 0, failed = 0;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		n += run_suite(suites[i].name, suites[i].tests, argc > 1 ? argv[1] : "",
			       &failed);
	return failed || !n;
}
