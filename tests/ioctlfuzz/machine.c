// SPDX-License-Identifier: GPL-2.0
/*
 * machine.c - the process that a machine lives in: what there is at first,
 * the threads that work on it, and how they survive what they do to it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "ioctlfuzz.h"

#define TICK	SIGRTMAX	/* ends a KVM_RUN */

_Thread_local struct thread *me;
_Atomic int thread_ids[MAX_THREADS];
atomic_bool stop;

/* ------------------------------------------------------------------------
 * Memory that may not be there
 */

static void on_fault(int sig)
{
	if (me && me->guarded)
		siglongjmp(me->escape, 1);
	/* Our own: again, and for good. */
	signal(sig, SIG_DFL);
}

bool try_copy(void *to, const void *from, size_t size)
{
	bool ok = false;

	if (!sigsetjmp(me->escape, 0)) {
		me->guarded = true;
		memcpy(to, from, size);
		ok = true;
	}
	me->guarded = false;
	return ok;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void handle_signals(void)
{
	static const int some[] = { SIGUSR1, SIGUSR2, SIGALRM, SIGHUP, SIGPIPE };
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction other = { .sa_handler = on_signal };
	unsigned int i;

	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	for (i = 0; i < ARRAY_SIZE(some); i++)
		sigaction(some[i], &other, NULL);
	sigaction(TICK, &other, NULL);
	signal(SIGCHLD, SIG_IGN);	/* nobody waits for children */
}

/* ------------------------------------------------------------------------
 * What there is at first
 */

/*
 * A guest that does a bit of everything, but for writing CR8: QEMU 7.2 ends with a
 * failed assertion if a virtual interrupt is waiting then.
 */
GUEST(64, busy,
	"movq $2, 0x8000\n"
	"mov $0x4b564d01, %ecx\n mov $0x60001, %eax\n xor %edx, %edx\n wrmsr\n"
	"1: mov $0xd0000000, %esi\n mov (%rsi), %eax\n mov %eax, 8(%rsi)\n"
	"mov $0xfee00000, %esi\n mov 0x20(%rsi), %eax\n movl $0, 0xb0(%rsi)\n"
	"out %al, $0x20\n in $0x21, %al\n out %al, $0x80\n"
	"mov $0x40000, %edi\n mov $3, %ecx\n mov $0x60, %edx\n rep insb\n"
	"xor %eax, %eax\n cpuid\n rdtsc\n mov $0x10, %ecx\n rdmsr\n"
	"incq 0x40000\n incq 0x100000\n incq 0x400000\n mov 0x410000, %rax\n sti\n nop\n cli\n"
	"mov %cr3, %rax\n mov %rax, %cr3\n invlpg 0x40000\n mov %cr8, %rax\n"
	"mov $0x10, %edx\n mov $0x50000, %esi\n mov $2, %ecx\n rep outsl\n"
	"pushf\n popf\n mov %dr6, %rax\n lock orq $0x40, 0x12008\n jmp 1b\n");

void map_arena(struct world *w)
{
	const size_t half = ARENA_PAGES / 2 * PAGE;
	int prot = PROT_READ | PROT_WRITE;

	(void)!ftruncate(w->memfd, half);
	mmap((void *)ARENA, half, prot, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap((u8 *)ARENA + half, half, prot, MAP_SHARED | MAP_FIXED, w->memfd, 0);
}

void map_args(unsigned int thread)
{
	u8 *at = (u8 *)ARGS + thread * 2 * ARG_PAGES * PAGE;
	int prot = PROT_READ | PROT_WRITE;

	mmap(at, ARG_PAGES * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mprotect(at + 8 * PAGE, 4 * PAGE, PROT_READ);
}

static void map_run(struct world *w, unsigned int i)
{
	mmap((u8 *)RUNS + i * 16 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	     w->fd[FD_VCPU + i], 0);
}

/* Whatever state it is in now; some of this may fail. */
void guest_restart(struct world *w, int vcpu)
{
	static const struct kvm_vcpu_events none = { .flags = KVM_VCPUEVENT_VALID_NMI_PENDING };
	static const struct kvm_mp_state runnable;
	static const struct kvm_guest_debug no_debug;

	try_copy(w->vm.mem, w->image, FREE);
	(void)!ioctl(vcpu, KVM_SET_MP_STATE, &runnable);
	(void)!ioctl(vcpu, KVM_SET_SREGS, &w->sregs);
	(void)!ioctl(vcpu, KVM_SET_REGS, &w->regs);
	(void)!ioctl(vcpu, KVM_SET_VCPU_EVENTS, &none);
	(void)!ioctl(vcpu, KVM_SET_GUEST_DEBUG, &no_debug);
}

static void add_vcpu(struct world *w, unsigned int vm, unsigned int id)
{
	unsigned int i = vm ? 3 + id % 2 : id % 3;
	struct kvm_cpuid2 *c = (void *)me->scratch;
	int fd = ioctl(w->fd[FD_VM + vm], KVM_CREATE_VCPU, id);

	close(atomic_exchange(&w->fd[FD_VCPU + i], fd));
	map_run(w, i);
	c->nent = 90;
	if (!ioctl(w->fd[FD_DEV], KVM_GET_SUPPORTED_CPUID, c))
		(void)!ioctl(fd, KVM_SET_CPUID2, c);
	guest_restart(w, fd);
}

void machine_replace(struct world *w, unsigned int nr, u64 flags)
{
	static const struct kvm_pit_config pit;
	int fd = ioctl(w->fd[FD_DEV], KVM_CREATE_VM, 0);
	struct vm vm = { .fd = fd };
	unsigned int i;

	close(atomic_exchange(&w->fd[FD_VM + nr], fd));
	if (flags & 3)
		(void)!ioctl(fd, KVM_CREATE_IRQCHIP, 0);
	if (flags & 1)
		(void)!ioctl(fd, KVM_CREATE_PIT2, &pit);
	/* Both machines may have the same memory. */
	(void)!set_slot(&vm, 0, flags >> 2 & KVM_MEM_LOG_DIRTY_PAGES, 0, MEM_SIZE, w->vm.mem);
	(void)!set_slot(&vm, 1, flags >> 3 & KVM_MEM_LOG_DIRTY_PAGES, MEM_SIZE, 64 * PAGE,
			(void *)ARENA);
	for (i = 0; i < 1 + (flags >> 5 & 1); i++)
		add_vcpu(w, nr, i);
}

static struct world *world_create(struct rng *r)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned int i;

	for (i = 0; i < NR_FDS; i++)
		w->fd[i] = -1;
	/* As a test does it, to learn the state that START64() makes. */
	w->vm = vm_create(0);
	START64(&w->vm, busy);
	w->sregs = get_sregs(&w->vm);
	w->regs = get_regs(&w->vm);
	w->image = memory(FREE);
	memcpy(w->image, w->vm.mem, FREE);
	munmap(w->vm.run, run_size());
	close(w->vm.vcpu);
	close(w->vm.fd);

	w->fd[FD_DEV] = kvm_dev();
	w->memfd = memfd_create("arena", MFD_CLOEXEC);
	w->fd[FD_OTHER] = w->memfd;
	map_arena(w);
	for (i = 0; i < MAX_THREADS; i++)
		map_args(i);
	machine_replace(w, 0, rnd(r));
	if (below(r, 2))
		machine_replace(w, 1, rnd(r));
	return w;
}

/* ------------------------------------------------------------------------
 * Threads
 */

/* The timer repeats, lest it strikes before KVM_RUN has begun. */
int run_briefly(int vcpu, unsigned long arg)
{
	static const struct itimerspec on = { { .tv_nsec = 3000000 }, { .tv_nsec = 3000000 } }, off;
	int i, r = 0, n = 1 + below(&me->rng, 4);

	timer_settime(me->timer, 0, &on, NULL);
	for (i = 0; i < n && !r; i++) {
		r = ioctl(vcpu, KVM_RUN, arg);
		/* What a device would answer. */
		if (!r && below(&me->rng, 2)) {
			u64 data = rnd(&me->rng);

			try_copy((u8 *)RUNS + offsetof(struct kvm_run, mmio.data), &data, 8);
		}
	}
	timer_settime(me->timer, 0, &off, NULL);
	return r;
}

/* Much of what is done ends the first machine, or leaves its guest at a standstill. */
static void revive(struct world *w, struct rng *r)
{
	if (ioctl(w->fd[FD_VM], KVM_GET_NR_MMU_PAGES, 0) < 0 ||
	    ioctl(w->fd[FD_VCPU], KVM_GET_TSC_KHZ, 0) < 0) {
		if (below(r, 4))
			machine_replace(w, 0, rnd(r));
	} else if (!below(r, 4)) {
		guest_restart(w, w->fd[FD_VCPU]);
	}
}

static void do_sequence(const struct sequence *s)
{
	unsigned int i;

	for (i = 0; i < s->nr && !stop; i++) {
		const struct op *op = &s->op[i];

		me->rng.state = op->seed;
		if (!me->world->quiet)
			op_print(op);
		if (op->what < nr_calls)
			call_do(op);
		else
			act_do(op->what - nr_calls, op);
		shared->calls[me->nr]++;
	}
}

struct start {
	struct world *world;
	u64 seed;
	unsigned int nr, nr_corpus;
};

static void thread_init(const struct start *start)
{
	struct sigevent tick = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK };

	me = calloc(1, sizeof(*me));
	me->world = start->world;
	me->nr = start->nr;
	me->tid = gettid();
	me->scratch = memory(64 << 10);
	tick._sigev_un._tid = me->tid;
	timer_create(CLOCK_MONOTONIC, &tick, &me->timer);
	kcov_thread();
	thread_ids[me->nr] = me->tid;
}

static void *thread_main(void *arg)
{
	const struct start *start = arg;
	u64 seed;
	u32 i, n;

	thread_init(start);
	for (i = 0; !stop; i++) {
		seed = derive(start->seed, start->nr + 1, i);
		sequence_make(&me->sequence, seed, shared->corpus, start->nr_corpus);
		map_args(me->nr);
		me->rng.state = ~seed;
		revive(start->world, &me->rng);
		kcov_begin();
		do_sequence(&me->sequence);
		if (!kcov_end())
			continue;
		n = shared->nr_found++;
		if (n < ARRAY_SIZE(shared->found))
			shared->found[n] = seed;
	}
	return NULL;
}

static u64 all_calls(void)
{
	u64 n = 0;

	for (unsigned int i = 0; i < MAX_THREADS; i++)
		n += shared->calls[i];
	return n;
}

/* Until its time is up, or nothing moves any more. */
static void watch(double seconds)
{
	double end = now() + seconds, moved = now();
	u64 calls = all_calls();

	while (now() < end && now() < moved + 0.3 * slow) {
		usleep(20000);
		if (all_calls() != calls)
			moved = now();
		calls = all_calls();
	}
}

void machine_live(u64 seed, unsigned int threads, bool verbose)
{
	static struct start start[MAX_THREADS];
	static struct thread first;
	struct rlimit files = { 200, 200 };
	struct rng r = { seed };
	struct world *w;
	unsigned int i, nr_corpus = shared->nr_corpus;
	pthread_t t;

	handle_signals();
	me = &first;
	me->scratch = memory(64 << 10);
	w = world_create(&r);
	w->quiet = !verbose;
	for (i = 0; i < threads; i++) {
		start[i] = (struct start){ w, seed, i, nr_corpus };
		pthread_create(&t, NULL, thread_main, &start[i]);
	}
	for (i = 0; i < threads; i++)
		while (!thread_ids[i])
			usleep(1000);
	setrlimit(RLIMIT_NOFILE, &files);
	watch((0.3 + below(&r, 1000) / 1000.0) * slow);
	/* They end in the middle of something, descriptors first or last. */
	stop = below(&r, 2);
	if (below(&r, 2))
		for (i = 0; i < NR_FDS; i++)
			close(w->fd[i]);
	usleep(below(&r, 10000));
	_exit(0);
}
