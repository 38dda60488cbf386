// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - runs the ABI tests, each in a process group of its own; one line
 * per test.  A test's machines must be gone when its processes are: the use
 * count of the module is back to what it was, or the test fails.
 *
 * usage: abi [--list | --deviations | --seed N] [NAME...]   (shell patterns)
 */
#include <fnmatch.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include "abi.h"

extern const struct test __start_tests[], __stop_tests[];

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

static void list_deviations(void)
{
	unsigned int i;

	for (i = 0; i < NR_DEVIATIONS; i++)
		printf("| `%s` | %s | %s | %s |\n", deviations[i].name, deviations[i].us,
		       deviations[i].them, deviations[i].why);
}

/* ------------------------------------------------------------------------
 * Running
 */

static bool machines_gone(int users)
{
	double until = now() + 5 * slow;

	while (module_users() > users) {
		if (now() > until)
			return false;
		usleep(10000);
	}
	return true;
}

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
	double start = now();
	int users = module_users(), status, result = 1;
	unsigned int seconds;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		run_child(t);
	seconds = t->seconds * slow;
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
		random_seed(seed);
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
