// SPDX-License-Identifier: GPL-2.0
/*
 * acts.c - what a caller can do to a machine without an ioctl of it: close,
 * duplicate and inherit descriptors, take memory away, send signals, rewrite
 * what it shares with the kernel, look at debugfs.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include "ioctlfuzz.h"

#define RW	(PROT_READ | PROT_WRITE)

/* ------------------------------------------------------------------------
 * Descriptors
 */

int pick_fd(int where, u8 on)
{
	struct world *w = me->world;

	if (on >= 248)
		return w->fd[on % NR_FDS];
	/* The first machine is the one that runs, mostly. */
	if (on >= 96)
		return w->fd[where == DEV ? FD_DEV : where == VM ? FD_VM : FD_VCPU];
	return w->fd[where == DEV ? FD_DEV : where == VM ? FD_VM + on % NR_VMS :
		     FD_VCPU + on % NR_VCPUS];
}

static void close_fd(const struct op *op)
{
	/* Whoever uses it meanwhile has to bear it. */
	close(me->world->fd[1 + op->on % (NR_FDS - 1)]);
}

static void dup_fd(const struct op *op)
{
	int fd = dup(me->world->fd[op->on % NR_FDS]);

	close(atomic_exchange(&me->world->fd[FD_OTHER + op->seed % 4], fd));
}

/* One descriptor comes to stand for what another did. */
static void replace_fd(const struct op *op)
{
	dup2(me->world->fd[op->on % NR_FDS], me->world->fd[1 + op->seed % (NR_FDS - 1)]);
}

static void close_all(const struct op *op)
{
	unsigned int i;

	for (i = 1; i < NR_FDS; i++)
		if (op->value >> i & 1)
			close(me->world->fd[i]);
}

static void odd_file(const struct op *op)
{
	int fd = me->world->fd[op->on % NR_FDS];
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	switch (op->seed % 8) {
	case 0:
		(void)!read(fd, me->scratch, 4096);
		break;
	case 1:
		(void)!write(fd, me->scratch, 4096);
		break;
	case 2:
		lseek(fd, op->value, SEEK_SET);
		break;
	case 3:
		poll(&p, 1, 0);
		break;
	case 4:
		fcntl(fd, F_SETFL, O_NONBLOCK);
		break;
	case 5:
		(void)!ftruncate(fd, op->value);
		break;
	case 6:
		fsync(fd);
		break;
	default:
		(void)!pread(fd, me->scratch, 100, op->value);
	}
}

/* Numbers that are no ioctl's, sizes that are another's. */
static void odd_ioctl(const struct op *op)
{
	unsigned int nr = op->value;

	if (op->seed & 1)
		nr = _IOC(op->seed >> 1 & 3, KVMIO, nr & 0xff, op->seed >> 3 & 0x3fff);
	if (!call_is_known(nr))
		(void)!ioctl(me->world->fd[op->on % NR_FDS], nr, ARGS);
}

/* ------------------------------------------------------------------------
 * Processes and signals
 */

/* A child may hold descriptors, and shares what memory is shared. */
static void fork_child(const struct op *op)
{
	struct world *w = me->world;
	unsigned int i;

	/* Costs as much as a hundred others. */
	if (op->value % 4 || fork())
		return;
	for (i = 0; i < NR_FDS; i++) {
		(void)!ioctl(w->fd[i], KVM_RUN, 0);
		(void)!ioctl(w->fd[i], KVM_CHECK_EXTENSION, 1);
	}
	try_copy((void *)(RUNS + op->on % NR_VCPUS * 16 * PAGE), me->scratch, PAGE);
	/* Some outlive the process whose memory the machine is made of. */
	usleep(op->seed % 4 ? 0 : op->seed % 100000);
	_exit(0);
}

static void send_signal(const struct op *op)
{
	static const int some[] = { SIGUSR1, SIGUSR2, SIGALRM, SIGHUP };

	syscall(SYS_tgkill, getpid(), thread_ids[op->on % MAX_THREADS], some[op->seed % 4]);
}

static void move_cpu(const struct op *op)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(op->on % 2, &set);
	if (op->seed & 1)
		CPU_SET(op->on % 2 ^ 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void pause_a_bit(const struct op *op)
{
	if (op->seed % 8)
		sched_yield();
	else
		usleep(op->seed % 500);
}

/* ------------------------------------------------------------------------
 * Memory
 */

/* Some pages of the guest's. */
static u8 *guest_pages(const struct op *op, size_t *size)
{
	unsigned int at = op->seed % ARENA_PAGES, n = 1 + op->on % 16;

	if (at + n > ARENA_PAGES)
		n = ARENA_PAGES - at;
	*size = n * PAGE;
	/* Of the first machine's own memory mostly what the guest writes. */
	if (!(op->value % 4))
		return me->world->vm.mem + at * PAGE;
	return (u8 *)ARENA + at * PAGE;
}

static void guest_map(const struct op *op)
{
	size_t size;
	u8 *p = guest_pages(op, &size);

	mmap(p, size, RW, (op->on & 64 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
}

static void guest_map_all(const struct op *op)
{
	(void)op;
	map_arena(me->world);
}

static void guest_unmap(const struct op *op)
{
	size_t size;
	u8 *p = guest_pages(op, &size);

	munmap(p, size);
}

static void guest_protect(const struct op *op)
{
	size_t size;
	u8 *p = guest_pages(op, &size);

	mprotect(p, size, op->value & (PROT_READ | PROT_WRITE | PROT_EXEC));
}

static void guest_advise(const struct op *op)
{
	static const int some[] = {
		MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_COLD, MADV_PAGEOUT, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_DONTFORK, MADV_WIPEONFORK,
		MADV_POPULATE_WRITE, MADV_WILLNEED,
	};
	size_t size;
	u8 *p = guest_pages(op, &size);

	madvise(p, size, some[(op->value >> 2) % ARRAY_SIZE(some)]);
}

static void guest_move(const struct op *op)
{
	size_t size;
	u8 *p = guest_pages(op, &size);
	u64 to = (op->value >> 2) % (ARENA_PAGES - size / PAGE + 1);

	mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (u8 *)ARENA + to * PAGE);
}

static void guest_truncate(const struct op *op)
{
	(void)!ftruncate(me->world->memfd, op->seed % (ARENA_PAGES / 2 + 1) * PAGE);
}

static u8 *thread_args(const struct op *op)
{
	return (u8 *)ARGS + op->on % MAX_THREADS * 2 * ARG_PAGES * PAGE;
}

static void args_map(const struct op *op)
{
	map_args(op->on % MAX_THREADS);
}

static void args_take(const struct op *op)
{
	u8 *p = thread_args(op) + op->seed % 4 * PAGE;

	if (op->value & 1)
		munmap(p, PAGE);
	else
		mprotect(p, PAGE, op->value >> 1 & 3);
}

/* ------------------------------------------------------------------------
 * What is shared with the kernel
 */

static u8 *run_page(const struct op *op)
{
	return (u8 *)RUNS + (op->on < 128 ? op->on % NR_VCPUS : 0) * 16 * PAGE;
}

static void run_map(const struct op *op)
{
	unsigned int i = op->on % NR_VCPUS;
	size_t offset = op->seed & 1 ? 0 : op->value % 8 * PAGE;

	mmap((u8 *)RUNS + i * 16 * PAGE, (1 + op->seed / 2 % 8) * PAGE,
	     op->seed & 256 ? RW : op->seed >> 9 & 7,
	     (op->seed & 4096 ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED,
	     me->world->fd[FD_VCPU + i], offset);
}

static void run_unmap(const struct op *op)
{
	munmap(run_page(op) + op->seed % 3 * PAGE, (1 + op->value % 3) * PAGE);
}

static void run_protect(const struct op *op)
{
	mprotect(run_page(op) + op->seed % 3 * PAGE, PAGE, op->value & 7);
}

static void run_move(const struct op *op)
{
	u8 *to = (u8 *)RUNS + op->seed % NR_VCPUS * 16 * PAGE;

	mremap(run_page(op), 3 * PAGE, (1 + op->value % 6) * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

/* Bytes of @page by the operation's edits, and one word more. */
static void scribble(u8 *page, const struct op *op)
{
	unsigned int i;

	for (i = 0; i < op->nr_edits; i++)
		try_copy(page + op->edit[i].at % (PAGE - 8), &op->edit[i].value, op->edit[i].size);
	try_copy(page + op->seed % 1024 * 4, &op->value, 4);
}

static void run_scribble(const struct op *op)
{
	scribble(run_page(op), op);
}

/* The fields that the kernel reads, mostly with a meaning. */
static void run_set(const struct op *op)
{
	static const struct {
		u16 at, size;
	} field[] = {
#define FIELD(name)	{ offsetof(struct kvm_run, name), sizeof(((struct kvm_run *)0)->name) }
		FIELD(request_interrupt_window), FIELD(immediate_exit), FIELD(cr8), FIELD(apic_base),
		FIELD(exit_reason), FIELD(mmio.len), FIELD(mmio.data), FIELD(io.size), FIELD(io.count),
		FIELD(io.data_offset), FIELD(kvm_valid_regs), FIELD(kvm_dirty_regs),
		FIELD(s.regs.regs.rip), FIELD(s.regs.sregs.cr0), FIELD(s.regs.events.flags),
	};
	unsigned int i = op->seed % ARRAY_SIZE(field);
	u64 value = op->from & 1 ? op->value & 7 : op->value;

	try_copy(run_page(op) + field[i].at, &value, field[i].size);
}

static void run_clear(const struct op *op)
{
	static const u8 zero[PAGE];

	try_copy(run_page(op), zero, PAGE);
}

static void ports_scribble(const struct op *op)
{
	scribble(run_page(op) + PAGE, op);
}

static void ring_scribble(const struct op *op)
{
	u32 index[2] = { op->value, op->seed };

	if (op->from & 1)
		index[0] %= 171, index[1] %= 171;
	try_copy(run_page(op) + 2 * PAGE, index, op->from & 2 ? 8 : 4);
	if (op->nr_edits)
		scribble(run_page(op) + 2 * PAGE, op);
}

/* ------------------------------------------------------------------------
 * The guest's own memory, and its beginning
 */

static void code_scribble(const struct op *op)
{
	scribble(me->world->vm.mem + CODE, op);
}

static void tables_scribble(const struct op *op)
{
	u8 *page = me->world->vm.mem + PAGE_TABLES + op->on % 10 * PAGE;
	u64 entry = (op->value & 0x3ff000) | (op->value >> 40 & 0x1ff) | (op->value & 1ull << 63);

	if (op->from & 1)
		try_copy(page + op->seed % 512 * 8, &entry, 8);
	else
		scribble(page, op);
}

static void guest_begin(const struct op *op)
{
	guest_restart(me->world, pick_fd(VCPU, op->on % 248));
}

static void machine_new(const struct op *op)
{
	machine_replace(me->world, op->on % NR_VMS, op->seed);
}

/* Something below kvm-vms in debugfs, which may be going just now. */
static void look_at_debugfs(const struct op *op)
{
	char path[600] = "/sys/kernel/debug/kvm-vms";
	struct rng r = { op->seed };
	int depth, fd;

	for (depth = 0; depth < 4; depth++) {
		DIR *dir = opendir(path);
		unsigned int n = 0;
		struct dirent *e;
		char name[256] = "";

		if (!dir)
			break;
		while ((e = readdir(dir)))
			if (e->d_name[0] != '.' && !below(&r, ++n))
				strcpy(name, e->d_name);
		closedir(dir);
		if (!*name)
			return;
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", name);
	}
	fd = open(path, op->on % 8 ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return;
	(void)!read(fd, me->scratch, 4096);
	if (!(op->on % 8))
		(void)!write(fd, "1\n", 2);
	close(fd);
}

/* ------------------------------------------------------------------------
 * The table
 */

#define ACT(name)	{ #name, name }
static const struct {
	const char *name;
	void (*run)(const struct op *op);
} acts[] = {
	ACT(guest_begin), ACT(guest_begin), ACT(guest_begin), ACT(guest_begin), ACT(machine_new),
	ACT(close_fd), ACT(dup_fd), ACT(replace_fd), ACT(close_all), ACT(odd_file), ACT(odd_ioctl),
	ACT(fork_child), ACT(send_signal), ACT(send_signal), ACT(move_cpu), ACT(pause_a_bit),
	ACT(guest_map), ACT(guest_map), ACT(guest_map_all), ACT(guest_unmap), ACT(guest_protect),
	ACT(guest_advise), ACT(guest_advise), ACT(guest_move), ACT(guest_truncate),
	ACT(args_map), ACT(args_take),
	ACT(run_map), ACT(run_unmap), ACT(run_protect), ACT(run_move),
	ACT(run_scribble), ACT(run_set), ACT(run_set), ACT(run_set), ACT(run_clear), ACT(run_clear),
	ACT(ports_scribble), ACT(ring_scribble),
	ACT(code_scribble), ACT(tables_scribble), ACT(tables_scribble), ACT(look_at_debugfs),
};

const unsigned int nr_acts = ARRAY_SIZE(acts);

const char *act_name(unsigned int i)
{
	return acts[i].name;
}

void act_do(unsigned int i, const struct op *op)
{
	acts[i].run(op);
}
