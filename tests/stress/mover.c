// SPDX-License-Identifier: GPL-2.0
/*
 * mover.c - sends every thread of every kvm-launch to the other of two CPUs,
 * every two milliseconds, until it is killed; says so each thousand times.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int numbers(const char *dir, void (*each)(const char *name, int cpu), int cpu)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		return 0;	/* it has ended meanwhile */
	while ((e = readdir(d)))
		if (atoi(e->d_name))
			each(e->d_name, cpu);
	return closedir(d);
}

static void move_thread(const char *name, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(atoi(name), sizeof(set), &set);
}

static void move_process(const char *name, int cpu)
{
	char path[64], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", name);
	f = fopen(path, "r");
	if (!f)
		return;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = 0;
	fclose(f);
	if (strcmp(comm, "kvm-launch\n"))
		return;
	snprintf(path, sizeof(path), "/proc/%s/task", name);
	numbers(path, move_thread, cpu);
}

int main(void)
{
	unsigned int i;

	for (i = 1; ; i++) {
		numbers("/proc", move_process, i % 2);
		if (i % 1000 == 0) {
			printf("%u moves\n", i);
			fflush(stdout);
		}
		usleep(2000);
	}
}
