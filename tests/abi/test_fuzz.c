// SPDX-License-Identifier: GPL-2.0
/*
 * test_fuzz.c - machines that come and go in several threads, and states that
 * nobody would set.  `abi --seed N fuzz_states` repeats a run.  Any ioctls in
 * any order are in tests/ioctlfuzz.
 */
#include <pthread.h>
#include "vm.h"

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

/* ------------------------------------------------------------------------
 * Making and unmaking
 */

static void *churn(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 100; i++) {
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
