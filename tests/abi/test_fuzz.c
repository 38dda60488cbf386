// SPDX-License-Identifier: GPL-2.0
/*
 * test_fuzz.c - ioctls in any order with any argument, from one thread and
 * from several, on machines that run or not.  Each machine lives in a process
 * of its own, which may well die of what it asks for; the host must not.
 *
 * `abi --seed N fuzz_...` repeats a run; the choices are of one generator per
 * process, so what only threads bring about is not repeated exactly.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "vm.h"

#define ARENA_PAGES	256

enum { DEV, VM, VCPU };

#define ROW(name, where, type)	{ name, where, sizeof(type) }
static const struct {
	unsigned int nr;
	int where;
	size_t size;
} calls[] = {
	ROW(KVM_CREATE_VCPU, VM, long),
	ROW(KVM_SET_TSS_ADDR, VM, long),
	ROW(KVM_SET_IDENTITY_MAP_ADDR, VM, u64),
	ROW(KVM_SET_NR_MMU_PAGES, VM, long),
	ROW(KVM_SET_BOOT_CPU_ID, VM, long),
	ROW(KVM_CREATE_IRQCHIP, VM, long),
	ROW(KVM_GET_IRQCHIP, VM, struct kvm_irqchip),
	ROW(KVM_SET_IRQCHIP, VM, struct kvm_irqchip),
	ROW(KVM_IRQ_LINE, VM, struct kvm_irq_level),
	ROW(KVM_IRQ_LINE_STATUS, VM, struct kvm_irq_level),
	ROW(KVM_CREATE_PIT, VM, long),
	ROW(KVM_CREATE_PIT2, VM, struct kvm_pit_config),
	ROW(KVM_GET_PIT2, VM, struct kvm_pit_state2),
	ROW(KVM_SET_PIT2, VM, struct kvm_pit_state2),
	ROW(KVM_REINJECT_CONTROL, VM, struct kvm_reinject_control),
	ROW(KVM_SET_GSI_ROUTING, VM, struct kvm_irq_routing),
	ROW(KVM_SIGNAL_MSI, VM, struct kvm_msi),
	ROW(KVM_REGISTER_COALESCED_MMIO, VM, struct kvm_coalesced_mmio_zone),
	ROW(KVM_UNREGISTER_COALESCED_MMIO, VM, struct kvm_coalesced_mmio_zone),
	ROW(KVM_GET_CLOCK, VM, struct kvm_clock_data),
	ROW(KVM_SET_CLOCK, VM, struct kvm_clock_data),
	ROW(KVM_GET_DIRTY_LOG, VM, struct kvm_dirty_log),
	ROW(KVM_CHECK_EXTENSION, VM, long),
	ROW(KVM_GET_REGS, VCPU, struct kvm_regs),
	ROW(KVM_SET_REGS, VCPU, struct kvm_regs),
	ROW(KVM_GET_SREGS, VCPU, struct kvm_sregs),
	ROW(KVM_SET_SREGS, VCPU, struct kvm_sregs),
	ROW(KVM_TRANSLATE, VCPU, struct kvm_translation),
	ROW(KVM_INTERRUPT, VCPU, struct kvm_interrupt),
	ROW(KVM_NMI, VCPU, long),
	ROW(KVM_GET_FPU, VCPU, struct kvm_fpu),
	ROW(KVM_SET_FPU, VCPU, struct kvm_fpu),
	ROW(KVM_GET_XSAVE, VCPU, struct kvm_xsave),
	ROW(KVM_SET_XSAVE, VCPU, struct kvm_xsave),
	ROW(KVM_GET_XCRS, VCPU, struct kvm_xcrs),
	ROW(KVM_SET_XCRS, VCPU, struct kvm_xcrs),
	ROW(KVM_GET_DEBUGREGS, VCPU, struct kvm_debugregs),
	ROW(KVM_SET_DEBUGREGS, VCPU, struct kvm_debugregs),
	ROW(KVM_GET_MSRS, VCPU, struct kvm_msrs),
	ROW(KVM_SET_MSRS, VCPU, struct kvm_msrs),
	ROW(KVM_SET_CPUID2, VCPU, struct kvm_cpuid2),
	ROW(KVM_GET_CPUID2, VCPU, struct kvm_cpuid2),
	ROW(KVM_GET_LAPIC, VCPU, struct kvm_lapic_state),
	ROW(KVM_SET_LAPIC, VCPU, struct kvm_lapic_state),
	ROW(KVM_GET_MP_STATE, VCPU, struct kvm_mp_state),
	ROW(KVM_SET_MP_STATE, VCPU, struct kvm_mp_state),
	ROW(KVM_GET_VCPU_EVENTS, VCPU, struct kvm_vcpu_events),
	ROW(KVM_SET_VCPU_EVENTS, VCPU, struct kvm_vcpu_events),
	ROW(KVM_SET_SIGNAL_MASK, VCPU, struct kvm_signal_mask),
	ROW(KVM_SET_GUEST_DEBUG, VCPU, struct kvm_guest_debug),
	ROW(KVM_GET_EMULATED_CPUID, DEV, struct kvm_cpuid2),
	ROW(KVM_KVMCLOCK_CTRL, VCPU, long),
	ROW(KVM_GET_TSC_KHZ, VCPU, long),
	ROW(KVM_GET_MSR_INDEX_LIST, DEV, struct kvm_msr_list),
	ROW(KVM_GET_SUPPORTED_CPUID, DEV, struct kvm_cpuid2),
	ROW(KVM_CHECK_EXTENSION, DEV, long),
};

/* A machine, and what the last good answer to each question was. */
struct victim {
	struct vm vm;
	u8 *arena;
	_Atomic long calls;
	u64 state;		/* a generator for each thread */
};

static u64 rnd(struct victim *v)
{
	v->state ^= v->state << 13;
	v->state ^= v->state >> 7;
	v->state ^= v->state << 17;
	return v->state * 0x2545f4914f6cdd1dull;
}

static u32 below(struct victim *v, u32 limit)
{
	return (rnd(v) >> 32) * limit >> 32;
}

/* Numbers that sit on edges more often than others. */
static u64 interesting(struct victim *v)
{
	static const u64 edges[] = {
		0, 1, 2, 8, 16, 24, 32, 64, 255, 256, 4095, 4096, 0x10000,
		0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 0xfee00000,
		0xfee00900, 0xfec00000, 1ull << 36, 1ull << 47, 1ull << 52,
		1ull << 63, ~0ull, ~0ull << 12, 0xffff800000000000,
	};

	return below(v, 3) ? edges[below(v, ARRAY_SIZE(edges))] : rnd(v);
}

/* Fills @size bytes at @p: with an answer of KVM's, or anything; then bends it. */
static void make_argument(struct victim *v, unsigned int nr, int fd, u8 *p,
			  size_t size)
{
	unsigned int i, n = below(v, 6);

	memset(p, 0, 2 * PAGE);
	switch (below(v, 4)) {
	case 0:
		for (i = 0; i < size / 4 + 40; i++)
			((u32 *)p)[i] = interesting(v);
		break;
	case 1:
		break;
	default:
		/* The question to a setter's answer has a number nearby. */
		(void)!ioctl(fd, (nr & ~(3u << 30 | 0xff)) | 2u << 30 |
			     ((nr & 0xff) - 1), p);
	}
	for (i = 0; i < n; i++)
		switch (below(v, 3)) {
		case 0:
			p[below(v, size)] ^= 1 << below(v, 8);
			break;
		case 1:
			((u64 *)p)[below(v, size / 8 + 1)] = interesting(v);
			break;
		default:
			((u32 *)p)[below(v, size / 4 + 1)] = interesting(v);
		}
}

static void any_slot(struct victim *v)
{
	u64 gpa = below(v, 4) ? below(v, 2048) * PAGE : interesting(v);
	u64 size = below(v, 4) ? below(v, 64) * PAGE :
				 interesting(v) & 0x3fffffff;
	u8 *host = below(v, 8) ? v->arena + below(v, ARENA_PAGES) * PAGE :
				 (u8 *)interesting(v);

	(void)!set_slot(&v->vm, below(v, 8) ? below(v, 6) : interesting(v),
			below(v, 4), gpa, size, host);
}

static void any_call(struct victim *v, u8 *arg)
{
	unsigned int i = below(v, ARRAY_SIZE(calls));
	int fd = calls[i].where == DEV ? kvm_dev() :
		 calls[i].where == VM ? v->vm.fd : v->vm.vcpu;
	unsigned long number;

	v->calls++;
	if (!below(v, 6)) {
		any_slot(v);
		return;
	}
	/* Now and then another descriptor, or an odd pointer. */
	if (!below(v, 50))
		fd = below(v, 2) ? v->vm.fd : v->vm.vcpu;
	if (calls[i].size == sizeof(long) && below(v, 8)) {
		number = interesting(v);
		if (calls[i].nr == KVM_CREATE_VCPU && below(v, 8))
			number %= 4;
		(void)!ioctl(fd, calls[i].nr, number);
		return;
	}
	make_argument(v, calls[i].nr, fd, arg, calls[i].size);
	if (calls[i].nr == KVM_GET_DIRTY_LOG && below(v, 4))
		((struct kvm_dirty_log *)arg)->dirty_bitmap = arg + PAGE;
	(void)!ioctl(fd, calls[i].nr, below(v, 40) ? arg :
		     (void *)interesting(v));
}

/* A guest that does a bit of everything. */
GUEST(64, busy,
	"movq $2, 0x8000\n"
	"1: mov $0xd0000000, %esi\n mov (%rsi), %eax\n mov %eax, 8(%rsi)\n"
	"mov $0xfee00000, %esi\n mov 0x20(%rsi), %eax\n movl $0, 0xb0(%rsi)\n"
	"out %al, $0x20\n in $0x21, %al\n out %al, $0x80\n"
	"mov $0x40000, %edi\n mov $3, %ecx\n mov $0x60, %edx\n rep insb\n"
	"xor %eax, %eax\n cpuid\n rdtsc\n mov $0x10, %ecx\n rdmsr\n"
	"incq 0x40000\n incq 0x100000\n sti\n nop\n cli\n"
	"mov %cr3, %rax\n mov %rax, %cr3\n invlpg 0x40000\n jmp 1b\n");

static void victim_start(struct victim *v, u64 seed)
{
	unsigned int flags = 0;

	v->state = seed * 2654435761u + 1;
	if (below(v, 2))
		flags |= VM_IRQCHIP;
	if (below(v, 2))
		flags |= VM_PIT;
	v->vm = vm_create(flags);
	v->arena = mmap(NULL, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	START64(&v->vm, busy);
}

/* What it says of itself is nobody's: only the host counts. */
static void be_quiet(void)
{
	struct rlimit files = { 200, 200 };

	setrlimit(RLIMIT_NOFILE, &files);
	fclose(stdout);
}

static void one_thread(u64 seed)
{
	struct victim *v = calloc(1, sizeof(*v));
	u8 *arg = memory(4 * PAGE);
	double end = now() + 0.5;

	victim_start(v, seed);
	while (now() < end) {
		int i;

		for (i = below(v, 30); i >= 0; i--)
			any_call(v, arg);
		for (i = below(v, 10); i >= 0; i--)
			if (run_ms(&v->vm, 5) < 0)
				break;
	}
}

static atomic_int stop;

static void *caller_thread(void *arg)
{
	struct victim *v = arg, mine = *v;
	u8 *buffer = memory(4 * PAGE);

	mine.state += (u64)pthread_self();
	while (!stop)
		any_call(&mine, buffer);
	return NULL;
}

static void *remap_thread(void *arg)
{
	struct victim *v = arg, mine = *v;

	mine.state += (u64)pthread_self();
	while (!stop) {
		u8 *at = v->arena + below(&mine, ARENA_PAGES) * PAGE;
		size_t size = PAGE;

		switch (below(&mine, 4)) {
		case 0:
			madvise(at, size, MADV_DONTNEED);
			break;
		case 1:
			mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			     MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 2:
			mprotect(at, size, below(&mine, 4));
			break;
		default:
			any_slot(&mine);
		}
	}
	return NULL;
}

static void several_threads(u64 seed)
{
	struct victim *v = calloc(1, sizeof(*v));
	double end = now() + 1;
	pthread_t t;

	victim_start(v, seed);
	pthread_create(&t, NULL, caller_thread, v);
	pthread_create(&t, NULL, caller_thread, v);
	pthread_create(&t, NULL, remap_thread, v);
	while (now() < end) {
		/* Somebody may have closed or stopped it for good. */
		run_ms(&v->vm, 5);
		if (!below(v, 20)) {
			int fd = dup(v->vm.vcpu);

			close(fd);
		}
	}
	if (below(v, 2)) {
		close(v->vm.vcpu);
		close(v->vm.fd);
		usleep(20000);
	}
	/* Not all threads end: process exit finds them in the middle. */
	_exit(0);
}

/* False: the time was up. */
static bool reap(pid_t pid, double seconds, int *status)
{
	double end = now() + seconds;

	while (!waitpid(pid, status, WNOHANG)) {
		if (now() > end)
			return false;
		usleep(10000);
	}
	return true;
}

/*
 * A child may ask for the end of its own signals, and run for ever: it is no
 * fault if it has to be killed, but one if it cannot be.
 */
static void in_children(void (*what)(u64 seed), double seconds,
			const char *name)
{
	double end = now() + seconds;
	u64 seed = random64() >> 32;
	int n = 0, died = 0, killed = 0, status;

	while (now() < end) {
		pid_t pid = fork();

		if (!pid) {
			be_quiet();
			what(seed + n);
			_exit(0);
		}
		if (!reap(pid, 3, &status)) {
			kill(pid, SIGKILL);
			killed++;
			if (!reap(pid, 30, &status)) {
				check_failed(__FILE__, __LINE__,
					     "%s: seed %llu hangs", name,
					     (unsigned long long)seed + n);
				return;
			}
		} else {
			died += WIFSIGNALED(status);
		}
		n++;
	}
	printf("  %d machines from seed %llu, %d of their processes died, %d were killed\n",
	       n, (unsigned long long)seed, died, killed);
	/* And all is as it was. */
	struct vm vm = vm_create(VM_PIT);

	start_servant(&vm);
	POKE(&vm, FREE, 5);
	CHECK_EQ(PEEK(&vm, FREE), 5);
}

TEST_SECONDS(fuzz_ioctls, 120, "any ioctls in any order")
{
	in_children(one_thread, 10, "fuzz_ioctls");
}

TEST_SECONDS(fuzz_races, 120, "any ioctls from several threads, while memory changes")
{
	in_children(several_threads, 10, "fuzz_races");
}

/* ------------------------------------------------------------------------
 * Making and unmaking
 */

static void *churn(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 100 && !stop; i++) {
		struct vm vm = vm_create(i & 1 ? VM_PIT : 0);

		START64(&vm, busy);
		run_ms(&vm, 2);
		vm_close(&vm);
	}
	return NULL;
}

TEST_SECONDS(fuzz_churn, 120, "machines are made, run and unmade by three threads")
{
	pthread_t t[3];
	int i;

	for (i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, churn, NULL);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

/* ------------------------------------------------------------------------
 * States
 */

#define STATES		10000

/* Some of @bits of @value. */
static u64 some_bits(u64 value, u64 bits)
{
	return value ^ (bits & random64() & random64());
}

static u64 odd_address(void)
{
	static const u64 odd[] = {
		0, CODE, MEM_SIZE - 8, 1ull << 32, 0x7ffffffffff8, 1ull << 47, ~0ull << 47, ~7ull,
	};

	return random_below(4) ? odd[random_below(ARRAY_SIZE(odd))] : random64();
}

static void disturb_segment(struct kvm_segment *s)
{
	switch (random_below(6)) {
	case 0:
		s->base = odd_address();
		break;
	case 1:
		s->limit = random_below(2) ? random64() : 0xffff;
		break;
	case 2:
		s->selector = random64();
		break;
	case 3:
		s->type = random_below(16);
		break;
	case 4:
		s->dpl = random_below(4);
		break;
	default:
		s->present = random_below(2);
		s->s = random_below(2);
		s->db = random_below(2);
		s->l = random_below(2);
		s->g = random_below(2);
		s->unusable = random_below(2);
	}
}

static void disturb(struct kvm_sregs *s, struct kvm_regs *r)
{
	struct kvm_segment *segments[] = {
		&s->cs, &s->ds, &s->es, &s->fs, &s->gs, &s->ss, &s->tr, &s->ldt,
	};

	switch (random_below(10)) {
	case 0:
		s->cr0 = some_bits(s->cr0, 0xe005003f);
		break;
	case 1:
		s->cr4 = some_bits(s->cr4, random_below(4) ? 0x3727ff : ~0ull);
		break;
	case 2:
		s->efer = some_bits(s->efer, random_below(4) ? 0xd01 : ~0ull);
		break;
	case 3:
		s->cr3 = random_below(2) ? random64() : s->cr3 ^ BIT(random_below(64));
		break;
	case 4:
		*(random_below(2) ? &s->gdt : &s->idt) = (struct kvm_dtable){
			.base = odd_address(), .limit = random64(),
		};
		break;
	case 5:
		r->rflags = some_bits(r->rflags, random_below(4) ? 0x3f7fd5 : ~0ull);
		break;
	case 6:
		r->rip = odd_address();
		break;
	case 7:
		r->rsp = odd_address();
		break;
	default:
		disturb_segment(segments[random_below(ARRAY_SIZE(segments))]);
	}
}

GUEST(64, still_alive, "nop\n" DONE);

/* Whatever it fetches is HLT, so that a state that can run does not for long. */
TEST_SECONDS(fuzz_states, 250, "random registers: refused, a failed entry, or a guest that runs")
{
	static const struct kvm_vcpu_events none;
	struct vm vm = vm_create(0);
	struct kvm_sregs start[2], s;
	struct kvm_regs regs[2], r;
	unsigned int i, k, refused = 0, ended[64] = {};

	START16(&vm, busy);
	start[0] = get_sregs(&vm);
	regs[0] = get_regs(&vm);
	START64(&vm, busy);
	start[1] = get_sregs(&vm);
	regs[1] = get_regs(&vm);
	memset(vm.mem, 0xf4, PAGE_TABLES);
	memset(vm.mem + STUBS, 0xf4, MEM_SIZE - STUBS);
	/* An exception shall be the end, not a loop. */
	start[0].idt.limit = start[1].idt.limit = 0;
	for (i = 0; i < STATES; i++) {
		k = random_below(2);
		s = start[k];
		r = regs[k];
		for (k = random_below(6) + 1; k; k--)
			disturb(&s, &r);
		errno = 0;
		if (ioctl(vm.vcpu, KVM_SET_SREGS, &s) || ioctl(vm.vcpu, KVM_SET_REGS, &r)) {
			CHECK_EQ(errno, EINVAL);
			refused++;
			continue;
		}
		REQUIRE_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &none));
		if (run_ms(&vm, 100))
			CHECK(errno == EFAULT || errno == EINTR);
		else if (CHECK(vm.run->exit_reason < ARRAY_SIZE(ended)))
			ended[vm.run->exit_reason]++;
	}
	printf("  %u refused", refused);
	for (i = 0; i < ARRAY_SIZE(ended); i++)
		if (ended[i])
			printf(", %u %s", ended[i], exit_name(i));
	printf("\n");
	CHECK(ended[KVM_EXIT_HLT]);
	/* And all is as it was. */
	START64(&vm, still_alive);
	REQUIRE_OK(ioctl(vm.vcpu, KVM_SET_VCPU_EVENTS, &none));
	run_done(&vm);
}
