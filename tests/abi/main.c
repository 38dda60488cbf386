// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - runs the ABI tests, each in a process group of its own; one line
 * per test.  A test's machines must be gone when its processes are: the use
 * count of the module is back to what it was, or the test fails.
 *
 * usage: abi [--list | --deviations | --seed N] [NAME...]   (shell patterns)
 */
#include <cpuid.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include "abi.h"

#define EXIT_SKIP	77

extern const struct test __start_tests[], __stop_tests[];

bool ours, qemu, bochs, intel;
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

void skip(const char *why)
{
	printf("  %s\n", why);
	exit(EXIT_SKIP);
}

/* ------------------------------------------------------------------------
 * Deviations
 */

static const struct {
	const char *name, *us, *them, *why;
} deviations[] = {
#define DEVIATION(name, us, them, why) { #name, us, them, why },
#include "deviations.h"
#undef DEVIATION
};

bool differs(enum deviation which)
{
	(void)which;
	return ours;
}

static void list_deviations(void)
{
	unsigned int i;

	for (i = 0; i < NR_DEVIATIONS; i++)
		printf("| `%s` | %s | %s | %s |\n", deviations[i].name, deviations[i].us,
		       deviations[i].them, deviations[i].why);
}

/* ------------------------------------------------------------------------
 * Helpers
 */

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
static int module_users(void)
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

static bool machines_gone(int users)
{
	double until = now() + 5;

	while (module_users() > users) {
		if (now() > until)
			return false;
		usleep(10000);
	}
	return true;
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

static void look_around(void)
{
	struct utsname u;
	unsigned int major, minor, a, b, c, d;

	uname(&u);
	if (sscanf(u.release, "%u.%u", &major, &minor) == 2)
		kernel = major * 100 + minor;
	ours = access("/sys/module/kvm_amd", F_OK) &&
	       access("/sys/module/kvm_intel", F_OK);
	__cpuid(0, a, b, c, d);
	intel = b == signature_INTEL_ebx;
	__cpuid(0x40000000, a, b, c, d);
	qemu = b == 0x54474354;		/* TCGT... */
	bochs = !qemu && firmware_is("BOCHS ");
}

/* ------------------------------------------------------------------------
 * Running
 */

static void run_child(const struct test *t)
{
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	t->run();
	exit(failures ? 1 : 0);
}

/* Its wait status, or -1: the time was up. */
static int wait_child(pid_t pid, unsigned int seconds)
{
	double until = now() + seconds;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct timespec tick = { .tv_nsec = 5000000 };
		sigset_t child;

		if (now() > until) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		sigemptyset(&child);
		sigaddset(&child, SIGCHLD);
		sigtimedwait(&child, NULL, &tick);
	}
	kill(-pid, SIGKILL);
	return status;
}

/* 0 passed, 1 failed, EXIT_SKIP skipped. */
static int run_test(const struct test *t)
{
	const char *slow = getenv("SLOW");	/* what tests/run says of the host */
	double start = now();
	int users = module_users(), status, result = 1;
	unsigned int seconds;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		run_child(t);
	seconds = t->seconds * (slow ? atoi(slow) : 1);
	status = wait_child(pid, seconds);
	if (status == -1)
		printf("  no end after %u s\n", seconds);
	else if (WIFSIGNALED(status))
		printf("  killed by signal %d\n", WTERMSIG(status));
	else
		result = WEXITSTATUS(status) == EXIT_SKIP ? EXIT_SKIP :
			 !!WEXITSTATUS(status);
	if (!machines_gone(users)) {
		printf("  its machines are not gone\n");
		result = 1;
	}
	printf("%s %-28s %6.2f s\n", result == 0 ? "ok  " :
	       result == EXIT_SKIP ? "skip" : "FAIL", t->name, now() - start);
	return result;
}

static bool wanted(const struct test *t, char **names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!fnmatch(names[i], t->name, 0))
			return true;
	return !n;
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0, skipped = 0, first = 1;
	u64 seed = time(NULL) ^ (u64)getpid() << 32;
	const struct test *t;
	bool list = false;
	sigset_t child;

	for (; first < argc && argv[first][0] == '-'; first++) {
		if (!strcmp(argv[first], "--deviations"))
			return list_deviations(), 0;
		if (!strcmp(argv[first], "--list"))
			list = true;
		else if (!strcmp(argv[first], "--seed") && first + 1 < argc)
			seed = strtoull(argv[++first], NULL, 0);
		else
			return fprintf(stderr, "usage: abi [--list | --deviations | --seed N] [NAME...]\n"), 2;
	}
	look_around();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	if (!list)
		printf("abi: %s module, %s, kernel %u, seed %#llx\n",
		       ours ? "our" : "stock", intel ? "VT-x" : "AMD-V",
		       kernel, (unsigned long long)seed);

	for (t = __start_tests; t < __stop_tests; t++) {
		int r;

		if (!wanted(t, argv + first, argc - first))
			continue;
		if (list) {
			printf("%-28s %s\n", t->name, t->shows);
			continue;
		}
		random_state = seed;
		r = run_test(t);
		passed += r == 0;
		skipped += r == EXIT_SKIP;
		failed += r == 1;
	}
	if (list)
		return 0;
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	if (!passed && !failed)
		return skipped ? EXIT_SKIP : 2;
	return failed ? 1 : 0;
}
