/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abi.h - what the ABI tests share: registering a test, checking, skipping,
 * and knowing whom one talks to.
 *
 * A test runs in a process of its own.  A CHECK that fails is reported and
 * the test goes on, so that one run shows all that is wrong; REQUIRE ends it.
 * What a test expects is what the KVM API document says and Linux's own
 * module does.  Where ours means to differ, differs() says so, and
 * deviations.h gives the reason.
 *
 * Read next: vm.h (machines to test on), then any test_*.c.
 */
#ifndef ABI_H
#define ABI_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096ul
#define BIT(n)		(1ull << (n))

/* ------------------------------------------------------------------------
 * Tests
 */

struct test {
	const char *name;
	const char *shows;
	void (*run)(void);
	unsigned int seconds;
};

/* TEST(name, "what it shows") { ... }: names start with the file's topic. */
#define TEST_SECONDS(name_, seconds_, shows_)				\
	static void name_(void);					\
	static const struct test test_##name_				\
	__attribute__((section("tests"), used, aligned(8))) = {		\
		.name = #name_, .shows = shows_, .run = name_,		\
		.seconds = seconds_,					\
	};								\
	static void name_(void)
#define TEST(name, shows)	TEST_SECONDS(name, 60, shows)

/* ------------------------------------------------------------------------
 * Checks
 */

void check_failed(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Failures so far: a loop may stop when it has seen enough. */
extern int failures;

#define CHECK(cond)							\
	check_that(__FILE__, __LINE__, !!(cond), #cond)
#define REQUIRE(cond)							\
	do {								\
		if (!CHECK(cond))					\
			exit(1);					\
	} while (0)
/* The same with a description of the case: a table's row, a loop's round. */
#define CHECK_MSG(cond, ...)						\
	({								\
		bool ok_ = (cond);					\
		if (!ok_)						\
			check_failed(__FILE__, __LINE__, __VA_ARGS__);	\
		ok_;							\
	})
#define CHECK_EQ(got, want)						\
	check_equal(__FILE__, __LINE__, (u64)(got), (u64)(want), #got)

/* The call shall return -1 with this errno, or (0) not fail. */
#define CHECK_ERRNO(call, want)						\
	check_errno(__FILE__, __LINE__, (call), want, #call)
#define CHECK_OK(call)	CHECK_ERRNO(call, 0)
#define REQUIRE_OK(call)						\
	do {								\
		if (!CHECK_OK(call))					\
			exit(1);					\
	} while (0)

bool check_that(const char *file, int line, bool cond, const char *what);
bool check_equal(const char *file, int line, u64 got, u64 want,
		 const char *what);
bool check_errno(const char *file, int line, long ret, int want,
		 const char *what);
const char *errno_name(int error);

#define EXIT_SKIP	77
void skip(const char *why) __attribute__((noreturn));

/* ------------------------------------------------------------------------
 * Whom we talk to
 */

extern unsigned int slow;	/* how much more time than usual all takes here */
extern bool ours;		/* else the stock module */
extern bool qemu;		/* the host's processor is QEMU's TCG */
extern bool bochs;		/* or Bochs' */
extern bool intel;		/* VT-x, else AMD-V */
extern unsigned int kernel;	/* 601, 612: of the host */

/* Ways in which our module means to differ from the stock one. */
enum deviation {
#define DEVIATION(name, us, them, why) DEV_##name,
#include "deviations.h"
#undef DEVIATION
	NR_DEVIATIONS
};

/* True on our module. */
bool differs(enum deviation which);

/* Finds out all that; once, before any test. */
void look_around(void);
/* Whoever holds our module or the stock one; -1: there is none. */
int module_users(void);

/* Random numbers: the seed is printed at the start, --seed gives it back. */
void random_seed(u64 seed);
u64 random64(void);
u32 random_below(u32 limit);

/* Seconds of CLOCK_MONOTONIC. */
double now(void);

#endif
