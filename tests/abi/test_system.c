// SPDX-License-Identifier: GPL-2.0
/*
 * test_system.c - /dev/kvm, capabilities, making VMs and vCPUs, and what a
 * descriptor is good for: which ioctl belongs to which, foreign processes,
 * the order of closing.
 */
#include <sys/klog.h>
#include <sys/time.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include "vm.h"

GUEST(16, say_done, "mov $0x5a, %al\n" DONE "hlt\n");

TEST(system_version, "KVM_GET_API_VERSION, KVM_GET_VCPU_MMAP_SIZE")
{
	CHECK_EQ(ioctl(kvm_dev(), KVM_GET_API_VERSION, 0), 12);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_API_VERSION, 1), EINVAL);
	CHECK_EQ(ioctl(kvm_dev(), KVM_GET_VCPU_MMAP_SIZE, 0), 3 * PAGE);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_VCPU_MMAP_SIZE, 1), EINVAL);
}

TEST(system_open_modes, "/dev/kvm may be opened read-only")
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int dev = open("/dev/kvm", modes[i]), fd;

		CHECK(dev >= 0);
		CHECK_EQ(ioctl(dev, KVM_GET_API_VERSION, 0), 12);
		CHECK_OK(fd = ioctl(dev, KVM_CREATE_VM, 0));
		CHECK_OK(close(fd));
		CHECK_OK(close(dev));
	}
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(system_create_interrupted, "KVM_CREATE_VM begins again after a signal")
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	unsigned int i, j, interrupted = 0;
	struct itimerval timer = {};
	u8 *mem = memory(1000 * PAGE);
	int fd;

	/* Many mappings: the list of them takes time, and ends at a signal. */
	for (i = 0; i < 1000; i += 2)
		REQUIRE_OK(mprotect(mem + i * PAGE, PAGE, PROT_READ));
	sigaction(SIGALRM, &sa, NULL);
	for (i = 1; i <= 20; i++) {
		for (j = 1; j <= (slow > 1 ? 1 : 5); j++) {
			timer.it_value.tv_usec = i * j * slow * 10;
			setitimer(ITIMER_REAL, &timer, NULL);
			fd = ioctl(kvm_dev(), KVM_CREATE_VM, 0);
			if (fd < 0) {
				CHECK_ERRNO(fd, EINTR);
				interrupted++;
			} else {
				close(fd);
			}
		}
	}
	if (differs(DEV_create_restarts))
		CHECK_EQ(interrupted, 0);
}

TEST(system_create_vm, "KVM_CREATE_VM: types, descriptors")
{
	static const u64 bad[] = { 1, 2, 8, 0x80000000, ~0ull, 1ull << 32 };
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_ERRNO(ioctl(kvm_dev(), KVM_CREATE_VM, bad[i]), EINVAL);
	fd = ioctl(kvm_dev(), KVM_CREATE_VM, 0);
	REQUIRE_OK(fd);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Not a file that can be read or written. */
	CHECK(read(fd, &i, 1) < 0);
	CHECK(write(fd, &i, 1) < 0);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_OK(close(fd));
	for (i = 0; i < 100; i++) {
		fd = ioctl(kvm_dev(), KVM_CREATE_VM, 0);
		if (!CHECK_OK(fd))
			break;
		close(fd);
	}
}

/* ------------------------------------------------------------------------
 * Capabilities
 */

enum { AT_LEAST_1 = -1, ANY = -2 };

static const struct {
	const char *name;
	int cap, value;
} caps[] = {
#define CAP(name, value) { #name, KVM_CAP_##name, value }
	CAP(IRQCHIP, 1),
	CAP(HLT, 1),
	CAP(MMU_SHADOW_CACHE_CONTROL, 1),
	CAP(USER_MEMORY, 1),
	CAP(SET_TSS_ADDR, 1),
	CAP(EXT_CPUID, 1),
	CAP(CLOCKSOURCE, 1),
	CAP(NR_VCPUS, AT_LEAST_1),
	CAP(NR_MEMSLOTS, AT_LEAST_1),
	CAP(PIT, 1),
	CAP(NOP_IO_DELAY, 1),
	CAP(MP_STATE, 1),
	CAP(COALESCED_MMIO, 2),
	CAP(SYNC_MMU, 1),
	CAP(DESTROY_MEMORY_REGION_WORKS, 1),
	CAP(USER_NMI, 1),
	CAP(REINJECT_CONTROL, 1),
	CAP(IRQ_ROUTING, AT_LEAST_1),
	CAP(IRQ_INJECT_STATUS, 1),
	CAP(JOIN_MEMORY_REGIONS_WORKS, 1),
	CAP(PIT2, 1),
	CAP(SET_BOOT_CPU_ID, 1),
	CAP(PIT_STATE2, 1),
	CAP(SET_IDENTITY_MAP_ADDR, 1),
	CAP(ADJUST_CLOCK, AT_LEAST_1),
	CAP(INTERNAL_ERROR_DATA, 1),
	CAP(X86_ROBUST_SINGLESTEP, 1),
	CAP(VCPU_EVENTS, 1),
	CAP(DEBUGREGS, 1),
	CAP(XSAVE, 1),
	CAP(XCRS, 1),
	CAP(GET_TSC_KHZ, 1),
	CAP(MAX_VCPUS, AT_LEAST_1),
	CAP(TSC_DEADLINE_TIMER, 1),
	CAP(EXT_EMUL_CPUID, 1),
	CAP(SET_GUEST_DEBUG, 1),
	CAP(KVMCLOCK_CTRL, 1),
	CAP(SIGNAL_MSI, 1),
	CAP(READONLY_MEM, 1),
	CAP(CHECK_EXTENSION_VM, 1),
	CAP(MAX_VCPU_ID, AT_LEAST_1),
	CAP(IMMEDIATE_EXIT, 1),
	CAP(COALESCED_PIO, 1),
	CAP(SYNC_REGS, AT_LEAST_1),
	CAP(BINARY_STATS_FD, 1),
	/* Not for x86, or gone. */
	CAP(USER_NMI + 10000, 0),
	CAP(PPC_SEGSTATE, 0),
	CAP(S390_PSW, 0),
	CAP(ARM_PSCI, 0),
#undef CAP
};

TEST(system_capabilities, "KVM_CHECK_EXTENSION on /dev/kvm and on a VM")
{
	struct vm vm = vm_create(0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		int dev = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, caps[i].cap);
		int on_vm = ioctl(vm.fd, KVM_CHECK_EXTENSION, caps[i].cap);

		CHECK_MSG(dev == on_vm, "%s: %d on the VM, %d on /dev/kvm",
			  caps[i].name, on_vm, dev);
		if (caps[i].value == AT_LEAST_1)
			CHECK_MSG(dev >= 1, "%s: %d", caps[i].name, dev);
		else
			CHECK_MSG(dev == caps[i].value, "%s: %d, not %d",
				  caps[i].name, dev, caps[i].value);
	}
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP),
		    EINVAL);
}

/* What follows from some values. */
TEST(system_capability_values, "limits that capabilities announce hang together")
{
	int nr = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	int max = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	int id = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	int clock = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_ADJUST_CLOCK);
	int cap;

	CHECK(nr >= 1 && nr <= max && max <= id);
	CHECK(max >= 200);
	CHECK(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS) >= 500);
	CHECK(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING) >= 1024);
	CHECK_EQ(clock & ~(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME |
			   KVM_CLOCK_HOST_TSC), 0);
	CHECK_EQ(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS),
		 KVM_SYNC_X86_VALID_FIELDS);
	/* Numbers nobody gave a meaning: no, rather than an error. */
	for (cap = 250; cap < 300; cap++)
		CHECK_MSG(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, cap) == 0,
			  "capability %d", cap);
	CHECK_EQ(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, -1), 0);
	CHECK_EQ(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, 0x80000000), 0);
}

/* ------------------------------------------------------------------------
 * vCPUs
 */

TEST(system_create_vcpu, "KVM_CREATE_VCPU: ids")
{
	int max_id = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPU_ID);
	struct vm vm = vm_create(VM_NO_VCPU);
	int fd, other;

	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_VCPU, -1), EINVAL);
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_VCPU, max_id), EINVAL);
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_VCPU, 1u << 31), EINVAL);
	CHECK_OK(fd = ioctl(vm.fd, KVM_CREATE_VCPU, 0));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_VCPU, 0), EEXIST);
	/* Ids may be given in any order, with gaps. */
	CHECK_OK(other = ioctl(vm.fd, KVM_CREATE_VCPU, 7));
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_VCPU, 7), EEXIST);
	CHECK_OK(ioctl(vm.fd, KVM_CREATE_VCPU, 3));
	/* Closing the descriptor does not give the id back. */
	close(other);
	CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_VCPU, 7), EEXIST);
}

TEST_SECONDS(system_many_vcpus, 120, "as many vCPUs as announced, and no more")
{
	int max = ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	struct vm vm = vm_create(VM_NO_VCPU);
	int i, n = max < 255 ? max : 255;

	for (i = 0; i < n; i++)
		if (!CHECK_OK(ioctl(vm.fd, KVM_CREATE_VCPU, i)))
			break;
	if (max <= 255)
		CHECK_ERRNO(ioctl(vm.fd, KVM_CREATE_VCPU, max), EINVAL);
}

TEST(system_mmap, "mapping a vCPU: what is there, and what is not")
{
	struct vm vm = vm_create(0);
	size_t size = run_size();
	volatile u8 *p;
	int status;
	pid_t pid;

	/* Any page of it alone; both views are the same page. */
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vm.vcpu, 0);
	REQUIRE(p != MAP_FAILED);
	((struct kvm_run *)p)->cr8 = 5;
	CHECK_EQ(vm.run->cr8, 5);
	munmap((void *)p, PAGE);
	for (unsigned int i = 0; i < size / PAGE; i++) {
		p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vm.vcpu, i * PAGE);
		REQUIRE(p != MAP_FAILED);
		(void)p[0];
		p[PAGE - 1] = 0;
		munmap((void *)p, PAGE);
	}
	/* Beyond the end it may be mapped, but not touched. */
	p = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		 vm.vcpu, 0);
	if (p == MAP_FAILED)
		return;
	(void)p[size - 1];
	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		(void)p[size];
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

TEST(system_fresh_run, "a new vCPU's pages hold nothing of anybody's")
{
	struct vm vm = vm_create(0);
	const u8 *p = (const u8 *)vm.run;
	size_t i, dirty = 0;

	for (i = 0; i < run_size(); i++)
		dirty += p[i] != 0;
	CHECK_EQ(dirty, 0);
}

/* ------------------------------------------------------------------------
 * Which ioctl belongs to which descriptor
 */

enum { DEV = 1, VM = 2, VCPU = 4 };

#define ROW(name, where)	{ #name, name, where }
static const struct ioctl_row {
	const char *name;
	unsigned int nr;
	int where;
} ioctls[] = {
	ROW(KVM_GET_API_VERSION, DEV),
	ROW(KVM_CREATE_VM, DEV),
	ROW(KVM_GET_VCPU_MMAP_SIZE, DEV),
	ROW(KVM_GET_SUPPORTED_CPUID, DEV),
	ROW(KVM_GET_EMULATED_CPUID, DEV),
	ROW(KVM_GET_MSR_INDEX_LIST, DEV),
	ROW(KVM_CREATE_VCPU, VM),
	ROW(KVM_SET_USER_MEMORY_REGION, VM),
	ROW(KVM_GET_DIRTY_LOG, VM),
	ROW(KVM_SET_TSS_ADDR, VM),
	ROW(KVM_SET_IDENTITY_MAP_ADDR, VM),
	ROW(KVM_SET_NR_MMU_PAGES, VM),
	ROW(KVM_GET_NR_MMU_PAGES, VM),
	ROW(KVM_SET_BOOT_CPU_ID, VM),
	ROW(KVM_CREATE_IRQCHIP, VM),
	ROW(KVM_GET_IRQCHIP, VM),
	ROW(KVM_SET_IRQCHIP, VM),
	ROW(KVM_IRQ_LINE, VM),
	ROW(KVM_IRQ_LINE_STATUS, VM),
	ROW(KVM_CREATE_PIT, VM),
	ROW(KVM_CREATE_PIT2, VM),
	ROW(KVM_GET_PIT, VM),
	ROW(KVM_SET_PIT, VM),
	ROW(KVM_GET_PIT2, VM),
	ROW(KVM_SET_PIT2, VM),
	ROW(KVM_REINJECT_CONTROL, VM),
	ROW(KVM_SET_GSI_ROUTING, VM),
	ROW(KVM_SIGNAL_MSI, VM),
	ROW(KVM_REGISTER_COALESCED_MMIO, VM),
	ROW(KVM_UNREGISTER_COALESCED_MMIO, VM),
	ROW(KVM_GET_STATS_FD, VM | VCPU),
	ROW(KVM_GET_CLOCK, VM),
	ROW(KVM_SET_CLOCK, VM),
	ROW(KVM_CHECK_EXTENSION, DEV | VM),
	ROW(KVM_RUN, VCPU),
	ROW(KVM_GET_REGS, VCPU),
	ROW(KVM_SET_REGS, VCPU),
	ROW(KVM_GET_SREGS, VCPU),
	ROW(KVM_SET_SREGS, VCPU),
	ROW(KVM_TRANSLATE, VCPU),
	ROW(KVM_INTERRUPT, VCPU),
	ROW(KVM_NMI, VCPU),
	ROW(KVM_GET_FPU, VCPU),
	ROW(KVM_SET_FPU, VCPU),
	ROW(KVM_GET_XSAVE, VCPU),
	ROW(KVM_SET_XSAVE, VCPU),
	ROW(KVM_GET_XCRS, VCPU),
	ROW(KVM_SET_XCRS, VCPU),
	ROW(KVM_GET_DEBUGREGS, VCPU),
	ROW(KVM_SET_DEBUGREGS, VCPU),
	ROW(KVM_SET_MSRS, VCPU),
	ROW(KVM_SET_CPUID, VCPU),
	ROW(KVM_SET_CPUID2, VCPU),
	ROW(KVM_GET_CPUID2, VCPU),
	ROW(KVM_GET_LAPIC, VCPU),
	ROW(KVM_SET_LAPIC, VCPU),
	ROW(KVM_GET_MP_STATE, VCPU),
	ROW(KVM_SET_MP_STATE, VCPU),
	ROW(KVM_GET_VCPU_EVENTS, VCPU),
	ROW(KVM_SET_VCPU_EVENTS, VCPU),
	ROW(KVM_SET_SIGNAL_MASK, VCPU),
	ROW(KVM_SET_GUEST_DEBUG, VCPU),
	ROW(KVM_KVMCLOCK_CTRL, VCPU),
};

/* What the three descriptors say to a number they do not know. */
static int unknown_errno(int where)
{
	return where == VM ? ENOTTY : EINVAL;
}

TEST(system_wrong_descriptor, "each ioctl on descriptors it is not for")
{
	struct vm vm = vm_create(VM_IRQCHIP);
	const struct { int fd, where; } fds[] = {
		{ kvm_dev(), DEV }, { vm.fd, VM }, { vm.vcpu, VCPU },
	};
	void *arg = memory(2 * PAGE);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(ioctls); i++) {
		for (j = 0; j < ARRAY_SIZE(fds); j++) {
			int want = unknown_errno(fds[j].where), r;

			if (ioctls[i].where & fds[j].where)
				continue;
			r = ioctl(fds[j].fd, ioctls[i].nr, arg);
			CHECK_MSG(r == -1 && errno == want,
				  "%s on descriptor %u: %s, not %s",
				  ioctls[i].name, j,
				  errno_name(r < 0 ? errno : 0),
				  errno_name(want));
		}
	}
}

TEST(system_unknown_ioctl, "numbers and sizes that are not the API's")
{
	struct vm vm = vm_create(0);
	const struct { int fd, where; } fds[] = {
		{ kvm_dev(), DEV }, { vm.fd, VM }, { vm.vcpu, VCPU },
	};
	static const unsigned int bad[] = {
		_IO(KVMIO, 0xff), _IO(KVMIO, 0x00) | 0x8000,
		_IOW(KVMIO, 0xfe, u64), _IOR(KVMIO, 0xfd, u64),
		/* known numbers with another size or direction */
		_IOW(KVMIO, 0x82, u32), _IOR(KVMIO, 0x81, u32),
		_IO(KVMIO, 0x46), _IOC(3, KVMIO, 0x80, 16),
		0, ~0u,
	};
	void *arg = memory(PAGE);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		for (j = 0; j < ARRAY_SIZE(fds); j++) {
			int want = unknown_errno(fds[j].where);
			int r = ioctl(fds[j].fd, bad[i], arg);

			CHECK_MSG(r == -1 && errno == want,
				  "%#x on descriptor %u: %s, not %s", bad[i],
				  j, errno_name(r < 0 ? errno : 0),
				  errno_name(want));
		}
	/* Another driver's number never reaches a vCPU's code. */
	CHECK_ERRNO(ioctl(vm.vcpu, _IO('T', 0x80), 0), EINVAL);
}

/* ------------------------------------------------------------------------
 * Other processes
 */

static void foreign_child(const struct vm *vm)
{
	struct kvm_regs regs;

	CHECK_EQ(ioctl(kvm_dev(), KVM_GET_API_VERSION, 0), 12);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP), EIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 1), EIO);
	CHECK_ERRNO(set_slot(vm, 1, 0, MEM_SIZE, PAGE, vm->mem), EIO);
	CHECK_ERRNO(ioctl(vm->vcpu, KVM_GET_REGS, &regs), EIO);
	CHECK_ERRNO(ioctl(vm->vcpu, KVM_RUN, 0), EIO);
	/* The mapping was inherited: it is shared memory, no more. */
	vm->run->request_interrupt_window = 0;
	exit(failures ? 1 : 0);
}

TEST(system_foreign_process, "a forked child may hold descriptors, not use them")
{
	struct vm vm = vm_create(0);
	int status;
	pid_t pid;

	START16(&vm, say_done);
	pid = fork();
	if (!pid)
		foreign_child(&vm);
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	run_done(&vm);
}

TEST(system_child_keeps, "a VM lives as long as a child holds a descriptor")
{
	struct vm vm = vm_create(0);
	int status, pipefd[2];
	char byte;
	pid_t pid;

	REQUIRE(!pipe(pipefd));
	START16(&vm, say_done);
	pid = fork();
	if (!pid) {
		/* Its memory belonged to a process that is gone by now. */
		close(pipefd[1]);
		CHECK_EQ(read(pipefd[0], &byte, 1), 0);
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_RUN, 0), EIO);
		exit(failures ? 1 : 0);
	}
	vm_close(&vm);
	close(pipefd[0]);
	close(pipefd[1]);
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

/* ------------------------------------------------------------------------
 * The order of closing
 */

TEST(system_close_vm_first, "a vCPU runs on after its VM's descriptor is closed")
{
	struct vm vm = vm_create(0);

	START16(&vm, say_done);
	close(vm.fd);
	run_done(&vm);
	CHECK_EQ(*(u8 *)io_data(&vm), 0x5a);
	CHECK_EQ(get_regs(&vm).rip & ~0xfull, CODE);
	close(vm.vcpu);
	/* The mapping keeps the pages, though nobody writes them any more. */
	CHECK_EQ(vm.run->exit_reason, KVM_EXIT_IO);
}

TEST(system_close_dup, "duplicates of a descriptor are as good")
{
	struct vm vm = vm_create(0);
	int vcpu = dup(vm.vcpu), fd = dup(vm.fd);

	START16(&vm, say_done);
	close(vm.vcpu);
	close(vm.fd);
	vm.vcpu = vcpu;
	vm.fd = fd;
	run_done(&vm);
	CHECK_OK(set_slot(&vm, 1, 0, MEM_SIZE, PAGE, vm.mem));
}

TEST(system_close_memory_first, "memory is unmapped before the VM goes")
{
	struct vm vm = vm_create(0);

	START16(&vm, say_done);
	run_done(&vm);
	munmap(vm.mem, MEM_SIZE);
	munmap(vm.run, run_size());
	close(vm.vcpu);
	close(vm.fd);
}

GUEST(16, spin, "1:" SPIN "movb $1, 0xa000\n jmp 1b\n");

static void *run_thread(void *arg)
{
	struct vm *vm = arg;

	return (void *)(long)(run(vm) ? errno : 0);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(system_close_while_running, "all descriptors are closed while a vCPU runs")
{
	struct sigaction sa = { .sa_handler = nothing };
	struct vm vm = vm_create(0);
	pthread_t thread;
	void *result;

	sigaction(SIGUSR1, &sa, NULL);
	START16(&vm, spin);
	REQUIRE(!pthread_create(&thread, NULL, run_thread, &vm));
	while (!data(&vm)[0])
		usleep(1000);
	close(vm.vcpu);
	close(vm.fd);
	do {
		usleep(300000);
		pthread_kill(thread, SIGUSR1);
	} while (pthread_tryjoin_np(thread, &result));
	CHECK_EQ((long)result, EINTR);
}

/* Address spaces that the host still has; -1 if it does not say. */
static int address_spaces(void)
{
	FILE *f = fopen("/sys/kernel/slab/mm_struct/shrink", "w");
	char line[512];
	int n = -1;

	if (f) {
		fputs("1", f);
		fclose(f);
	}
	f = fopen("/proc/slabinfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "mm_struct %d", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static void short_lives(int n)
{
	int status;

	while (n--) {
		pid_t pid = fork();

		if (!pid) {
			vm_create(0);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		CHECK_EQ(status, 0);
	}
}

TEST(system_process_gone, "of a process that had a VM nothing is kept")
{
	int before, after;

	short_lives(10);
	before = address_spaces();
	if (before < 0)
		skip("no /proc/slabinfo");
	short_lives(100);
	after = address_spaces();
	CHECK_MSG(after - before < 50, "%d address spaces more after 100 processes",
		  after - before);
}

TEST(system_exit_while_running, "a process that is killed in KVM_RUN leaves nothing")
{
	int i, status;

	for (i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid) {
			struct vm vm = vm_create(VM_PIT);

			START16(&vm, spin);
			run(&vm);
			_exit(1);
		}
		usleep(50000);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		CHECK(WIFSIGNALED(status));
	}
}

TEST(system_same_name, "a VM outlives its descriptor: the next with that number is no news to the host's log")
{
	struct vm vm = vm_create(0);
	static char log[1 << 18];
	int fd = vm.fd, n;

	REQUIRE_OK(close(vm.fd));
	vm.fd = ioctl(kvm_dev(), KVM_CREATE_VM, 0);
	CHECK_EQ(vm.fd, fd);
	/* SYSLOG_ACTION_READ_ALL */
	n = klogctl(3, log, sizeof(log) - 1);
	REQUIRE(n >= 0);
	CHECK(!strstr(log, "already present"));
}
