// SPDX-License-Identifier: GPL-2.0
/*
 * checks.c - what abi.h promises to whoever tests /dev/kvm: checks that go on
 * or end the test, random numbers, and whom one talks to.  The ioctl fuzzer
 * (tests/ioctlfuzz) uses it, too.
 */
#include <cpuid.h>
#include <stdarg.h>
#include <sys/utsname.h>
#include <time.h>
#include "abi.h"

bool ours, qemu, bochs, intel;
unsigned int slow = 1;
unsigned int kernel;
int failures;
static u64 random_state;

/* ------------------------------------------------------------------------
 * Checks
 */

void check_failed(const char *file, int line, const char *format, ...)
{
	va_list args;

	/* The first ones tell; a loop gone wrong would tell for ever. */
	if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) >= 20)
		return;
	printf("  %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

bool check_that(const char *file, int line, bool cond, const char *what)
{
	if (!cond)
		check_failed(file, line, "not so: %s", what);
	return cond;
}

bool check_equal(const char *file, int line, u64 got, u64 want,
		 const char *what)
{
	if (got != want)
		check_failed(file, line, "%s is %#llx, not %#llx", what,
			     (unsigned long long)got, (unsigned long long)want);
	return got == want;
}

const char *errno_name(int error)
{
	const char *name = strerrorname_np(error);

	return !error ? "success" : name ? name : "?";
}

bool check_errno(const char *file, int line, long ret, int want,
		 const char *what)
{
	int got = ret < 0 ? errno : 0;

	if (got != want)
		check_failed(file, line, "%s: %s, not %s", what,
			     errno_name(got), errno_name(want));
	return got == want;
}

bool differs(enum deviation which)
{
	(void)which;
	return ours;
}

void skip(const char *why)
{
	printf("  %s\n", why);
	exit(EXIT_SKIP);
}

/* ------------------------------------------------------------------------
 * Helpers
 */

void random_seed(u64 seed)
{
	random_state = seed;
}

u64 random64(void)
{
	/* splitmix64 */
	u64 z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

u32 random_below(u32 limit)
{
	return (random64() >> 32) * limit >> 32;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Virtual machines hold the module: what is left when a test is over? */
int module_users(void)
{
	FILE *f = fopen("/sys/module/kvm/refcnt", "r");
	int n = -1;

	if (f) {
		if (fscanf(f, "%d", &n) != 1)
			n = -1;
		fclose(f);
	}
	return n;
}

/* Who made the ACPI tables: both emulators' firmware says BOCHS. */
static bool firmware_is(const char *oem)
{
	char header[16] = "";
	FILE *f = fopen("/sys/firmware/acpi/tables/FACP", "r");

	if (f) {
		if (fread(header, sizeof(header), 1, f) != 1)
			header[10] = 0;
		fclose(f);
	}
	return !memcmp(header + 10, oem, strlen(oem));
}

void look_around(void)
{
	const char *factor = getenv("SLOW");	/* see tests/run */
	struct utsname u;
	unsigned int major, minor, a, b, c, d;

	uname(&u);
	if (sscanf(u.release, "%u.%u", &major, &minor) == 2)
		kernel = major * 100 + minor;
	if (factor)
		slow = atoi(factor);
	ours = access("/sys/module/kvm_amd", F_OK) &&
	       access("/sys/module/kvm_intel", F_OK);
	__cpuid(0, a, b, c, d);
	intel = b == signature_INTEL_ebx;
	__cpuid(0x40000000, a, b, c, d);
	qemu = b == 0x54474354;		/* TCGT... */
	bochs = !qemu && firmware_is("BOCHS ");
}
