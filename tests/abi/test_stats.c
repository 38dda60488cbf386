// SPDX-License-Identifier: GPL-2.0
/*
 * test_stats.c - KVM_GET_STATS_FD: where the blocks of its file lie, what the
 * descriptors say, what a read gives at any place, and counters that count.
 * Which counters there are is each module's own matter.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "vm.h"

/* The whole file, as one read gives it. */
struct stats {
	int fd;
	size_t size;
	u8 bytes[64 << 10];
	struct kvm_stats_header h;
};

static const struct kvm_stats_desc *desc(const struct stats *s, u32 i)
{
	return (void *)(s->bytes + s->h.desc_offset +
			i * (sizeof(struct kvm_stats_desc) + s->h.name_size));
}

static struct stats *stats_of(int fd)
{
	struct stats *s = calloc(1, sizeof(*s));
	ssize_t n;

	REQUIRE(s);
	REQUIRE_OK(fd);
	s->fd = fd;
	n = pread(fd, s->bytes, sizeof(s->bytes), 0);
	REQUIRE(n > (ssize_t)sizeof(s->h) && n < (ssize_t)sizeof(s->bytes));
	s->size = n;
	memcpy(&s->h, s->bytes, sizeof(s->h));
	return s;
}

static struct stats *open_stats(int object)
{
	return stats_of(ioctl(object, KVM_GET_STATS_FD, NULL));
}

/* A counter's value now, or ~0: there is none of this name. */
static u64 counter(const struct stats *s, const char *name)
{
	u64 val = ~0ull;
	u32 i;

	for (i = 0; i < s->h.num_desc; i++)
		if (!strcmp(desc(s, i)->name, name))
			CHECK_EQ(pread(s->fd, &val, 8, s->h.data_offset +
				       desc(s, i)->offset), 8);
	return val;
}

/* ------------------------------------------------------------------------
 * The layout
 */

static void check_blocks(const struct stats *s)
{
	const u64 desc_size = sizeof(struct kvm_stats_desc) + s->h.name_size;
	const struct { u64 start, size; } block[] = {
		{ 0, sizeof(s->h) },
		{ s->h.id_offset, s->h.name_size },
		{ s->h.desc_offset, s->h.num_desc * desc_size },
		{ s->h.data_offset, s->size - s->h.data_offset },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(block); i++) {
		CHECK_EQ(block[i].start % 8, 0);
		CHECK(block[i].size && block[i].start + block[i].size <= s->size);
		for (j = 0; j < i; j++)
			CHECK(block[i].start + block[i].size <= block[j].start ||
			      block[j].start + block[j].size <= block[i].start);
	}
}

static void check_desc(const struct stats *s, u32 i)
{
	const struct kvm_stats_desc *d = desc(s, i);
	u32 type = d->flags & KVM_STATS_TYPE_MASK, j;
	size_t length = strnlen(d->name, s->h.name_size);

	CHECK(length && length < s->h.name_size);
	CHECK(type <= KVM_STATS_TYPE_MAX);
	CHECK((d->flags & KVM_STATS_UNIT_MASK) <= KVM_STATS_UNIT_MAX);
	CHECK((d->flags & KVM_STATS_BASE_MASK) <= KVM_STATS_BASE_MAX);
	CHECK_EQ(d->flags & ~(u32)(KVM_STATS_TYPE_MASK | KVM_STATS_UNIT_MASK |
				   KVM_STATS_BASE_MASK), 0);
	CHECK_MSG(d->size == 1 || (d->size && type >= KVM_STATS_TYPE_LINEAR_HIST),
		  "%s has %u values", d->name, d->size);
	CHECK_EQ(d->offset % 8, 0);
	CHECK(s->h.data_offset + d->offset + d->size * 8ull <= s->size);
	for (j = 0; j < i; j++)
		CHECK_MSG(strcmp(d->name, desc(s, j)->name), "%s is there twice",
			  d->name);
}

static void check_layout(int object, const char *id)
{
	struct stats *s = open_stats(object);
	u32 i;

	CHECK_EQ(s->h.flags, 0);
	CHECK(s->h.name_size && s->h.num_desc);
	check_blocks(s);
	CHECK_MSG(!strncmp((char *)s->bytes + s->h.id_offset, id, strlen(id)) &&
		  strnlen((char *)s->bytes + s->h.id_offset, s->h.name_size) <
		  s->h.name_size, "id '%.60s' is not '%s'",
		  s->bytes + s->h.id_offset, id);
	for (i = 0; i < s->h.num_desc; i++)
		check_desc(s, i);
	close(s->fd);
	free(s);
}

TEST(stats_layout, "KVM_GET_STATS_FD: header, name, descriptors, values")
{
	struct vm vm = vm_create(0);
	char id[40];

	CHECK_EQ(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD),
		 1);
	snprintf(id, sizeof(id), "kvm-%d", getpid());
	check_layout(vm.fd, id);
	snprintf(id, sizeof(id), "kvm-%d/vcpu-0", getpid());
	check_layout(vm.vcpu, id);
}

/* ------------------------------------------------------------------------
 * Reading
 */

static void check_reads(int object)
{
	struct stats *s = open_stats(object);
	static u8 part[64 << 10];
	u8 *nowhere = memory(PAGE);
	size_t at, len, left;
	int i;

	munmap(nowhere, PAGE);
	/* What never changes is the same by any bites. */
	for (i = 0; i < 500; i++) {
		at = random_below(s->h.data_offset);
		len = random_below(300);
		left = s->h.data_offset - at;
		CHECK_EQ(pread(s->fd, part, len, at),
			 len < s->size - at ? len : s->size - at);
		CHECK(!memcmp(part, s->bytes + at, len < left ? len : left));
	}
	/* Past values, into them at an odd place, and up to the end. */
	for (at = s->h.data_offset - 3; at < s->size + 3; at++) {
		left = at < s->size ? s->size - at : 0;
		CHECK_EQ(pread(s->fd, part, 5, at), left < 5 ? left : 5);
		CHECK_EQ(pread(s->fd, part, sizeof(part), at), left);
	}
	CHECK_EQ(pread(s->fd, part, 8, 1ull << 40), 0);
	CHECK_EQ(pread(s->fd, part, 0, 0), 0);
	CHECK_ERRNO(pread(s->fd, part, 8, -8), EINVAL);
	CHECK_ERRNO(pread(s->fd, nowhere, 8, 0), EFAULT);
	CHECK_ERRNO(pread(s->fd, nowhere, 8, s->h.data_offset), EFAULT);
	/* One after the other, as read(2) goes. */
	for (at = 0; at < s->size; at += len) {
		len = read(s->fd, part, 100);
		if (!CHECK(len && len <= 100))
			break;
		if (at + len <= s->h.data_offset)
			CHECK(!memcmp(part, s->bytes + at, len));
	}
	CHECK_EQ(at, s->size);
	CHECK_EQ(read(s->fd, part, 100), 0);
	close(s->fd);
	free(s);
}

TEST(stats_reads, "the counters' file is read at any place, in any portions")
{
	struct vm vm = vm_create(0);

	check_reads(vm.fd);
	check_reads(vm.vcpu);
}

TEST(stats_only_read, "the counters' file can be read, and nothing else")
{
	struct vm vm = vm_create(0);
	int objects[] = { vm.fd, vm.vcpu };
	unsigned int i;
	u64 val = 0;

	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		struct stats *s = open_stats(objects[i]);

		CHECK_EQ(fcntl(s->fd, F_GETFL) & O_ACCMODE, O_RDONLY);
		CHECK_ERRNO(write(s->fd, &val, 8), EBADF);
		CHECK(pwrite(s->fd, &val, 8, s->h.data_offset) < 0);
		CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s->fd, 0) ==
		      MAP_FAILED);
		CHECK_ERRNO(ioctl(s->fd, KVM_GET_STATS_FD, NULL), ENOTTY);
		CHECK_ERRNO(ioctl(s->fd, KVM_RUN, NULL), ENOTTY);
		close(s->fd);
		CHECK_ERRNO(pread(s->fd, &val, 8, 0), EBADF);
		free(s);
	}
}

TEST(stats_descriptors, "KVM_GET_STATS_FD: no descriptor is left, or was none")
{
	struct vm vm = vm_create(0);
	struct rlimit old, few;
	int a, b;

	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_STATS_FD, NULL), EINVAL);
	CHECK_ERRNO(ioctl(-1, KVM_GET_STATS_FD, NULL), EBADF);
	REQUIRE_OK(getrlimit(RLIMIT_NOFILE, &old));
	few = old;
	few.rlim_cur = dup(0);
	close(few.rlim_cur);
	REQUIRE_OK(setrlimit(RLIMIT_NOFILE, &few));
	CHECK_ERRNO(ioctl(vm.fd, KVM_GET_STATS_FD, NULL), EMFILE);
	CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_STATS_FD, NULL), EMFILE);
	REQUIRE_OK(setrlimit(RLIMIT_NOFILE, &old));
	CHECK_OK(a = ioctl(vm.vcpu, KVM_GET_STATS_FD, NULL));
	CHECK_OK(b = ioctl(vm.vcpu, KVM_GET_STATS_FD, NULL));
	CHECK(a != b);
	/* Each has a place of its own. */
	CHECK_EQ(read(a, &few, 8), 8);
	CHECK_EQ(read(b, &old, 8), 8);
	CHECK(!memcmp(&few, &old, 8));
}

/* ------------------------------------------------------------------------
 * Counting
 */

GUEST(64, counted, "1:" STEP "mov 0xd0000000, %eax\n jmp 1b\n");

TEST(stats_count, "exits, port accesses and emulated instructions are counted")
{
	struct vm vm = vm_create(0);
	static const char *const grow[] = {
		"exits", "io_exits", "mmio_exits", "insn_emulation",
	};
	struct stats *s = open_stats(vm.vcpu), *before = calloc(1, sizeof(*s));
	u64 was[ARRAY_SIZE(grow)];
	const int times = 50;
	unsigned int i;
	int n;

	START64(&vm, counted);
	run_step(&vm);
	for (i = 0; i < ARRAY_SIZE(grow); i++) {
		was[i] = counter(s, grow[i]);
		CHECK_MSG(was[i] != ~0ull, "no counter %s", grow[i]);
	}
	CHECK_EQ(pread(s->fd, before->bytes, s->size, 0), s->size);
	for (n = 0; n < times; n++) {
		run_to(&vm, KVM_EXIT_MMIO);
		run_step(&vm);
	}
	for (i = 0; i < ARRAY_SIZE(grow); i++)
		CHECK_MSG(counter(s, grow[i]) >= was[i] + times,
			  "%s: %llu, then %llu", grow[i],
			  (long long)was[i], (long long)counter(s, grow[i]));
	/* None that counts up has gone down. */
	CHECK_EQ(pread(s->fd, s->bytes, s->size, 0), s->size);
	for (i = 0; i < s->h.num_desc; i++) {
		u32 type = desc(s, i)->flags & KVM_STATS_TYPE_MASK;
		size_t at = s->h.data_offset + desc(s, i)->offset;

		if (type == KVM_STATS_TYPE_CUMULATIVE ||
		    type == KVM_STATS_TYPE_PEAK)
			CHECK_MSG(*(u64 *)(s->bytes + at) >=
				  *(u64 *)(before->bytes + at),
				  "%s went down", desc(s, i)->name);
	}
}

TEST(stats_mmu, "what becomes of shadow pages is counted for the VM")
{
	struct vm vm = vm_create(0);
	struct stats *s = open_stats(vm.fd);
	u64 zapped;

	START64(&vm, counted);
	run_step(&vm);
	zapped = counter(s, "mmu_shadow_zapped");
	REQUIRE(zapped != ~0ull);
	CHECK(counter(s, "remote_tlb_flush") != ~0ull);
	if (ours) {
		CHECK(counter(s, "mmu_pages") > 0);
		CHECK_EQ(counter(s, "mmu_pages"), counter(s, "mmu_cache_miss") -
			 zapped);
		CHECK_EQ(counter(s, "mmu_pages_limit"),
			 ioctl(vm.fd, KVM_GET_NR_MMU_PAGES, 0));
	}
	CHECK_OK(set_slot(&vm, 0, 0, 0, 0, vm.mem));
	CHECK(counter(s, "mmu_shadow_zapped") > zapped);
	if (ours) {
		CHECK_EQ(counter(s, "mmu_pages"), 0);
		CHECK(counter(s, "mmu_pages_peak") > 0);
	}
}

/* ------------------------------------------------------------------------
 * Whose it is
 */

TEST(stats_survive, "the counters can be read when the VM's descriptors are closed")
{
	struct vm vm = vm_create(0);
	struct stats *of_vm = open_stats(vm.fd), *of_vcpu = open_stats(vm.vcpu);
	u64 exits;

	START64(&vm, counted);
	run_step(&vm);
	exits = counter(of_vcpu, "exits");
	CHECK(exits > 0);
	vm_close(&vm);
	CHECK_EQ(counter(of_vcpu, "exits"), exits);
	CHECK(counter(of_vm, "mmu_shadow_zapped") != ~0ull);
	close(of_vm->fd);
	CHECK_EQ(counter(of_vcpu, "exits"), exits);
	close(of_vcpu->fd);
}

TEST(stats_other_process, "another process reads the counters, and cannot ask for them")
{
	struct vm vm = vm_create(0);
	struct stats *s = open_stats(vm.vcpu);
	int status;
	pid_t pid;

	START64(&vm, counted);
	run_step(&vm);
	pid = fork();
	if (!pid) {
		CHECK(counter(s, "exits") > 0);
		CHECK_ERRNO(ioctl(vm.fd, KVM_GET_STATS_FD, NULL), EIO);
		CHECK_ERRNO(ioctl(vm.vcpu, KVM_GET_STATS_FD, NULL), EIO);
		_exit(!!failures);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}
