# SPDX-License-Identifier: GPL-2.0
# What a person types: see `make help`.  The module itself is built by Kbuild,
# in a mirror of its sources (tools/build-module).

# --- what can be chosen ---
VENDOR		= amd
HOST		= emulated
HOST_KERNEL	= 6.1
GUEST_KERNEL	= 6.1
MODULE		= ours
MEM		= 256M
PREFIX		= /usr/local
DESTDIR		=
JOBS		= 2

debian		:= tests/host/debian
native_kdir	:= /lib/modules/$(shell uname -r)/build
# Headers of this machine's kernel, or else of the emulated host's.
KDIR		= $(if $(wildcard $(native_kdir)),$(native_kdir),$(shell $(debian) kdir $(HOST_KERNEL)))

all: module tools

help:
	@echo 'make               build kvm.ko and kvm-launch'
	@echo 'make run           boot Linux in a VM of our kvm.ko, in an emulated machine; a shell'
	@echo '                   on a terminal, a self-check without one (</dev/null)'
	@echo 'make check         run the tests; make check T="NAME..." runs some; T=--list lists them'
	@echo 'make check-all     also what takes too long for every day, on VT-x above all: an hour'
	@echo 'make check-quick   the inner loop, under 3 minutes'
	@echo 'make check-sanitized  all tests on AMD in a host kernel with KASAN, lockdep, kmemleak ...'
	@echo '                   (built first, once), the shadow MMU audited; hours: CONTINUE=1'
	@echo '                   goes on with one that was interrupted or failed'
	@echo 'make coverage      the same, counting which lines of the module run; T= as above'
	@echo 'make mutants       put defects into the module, one at a time: do the tests notice?'
	@echo '                   (half an hour); make mutants M="NAME..." tries some'
	@echo 'make bench         exact costs, ours and the stock module side by side'
	@echo 'make install       module, kvm-launch and man page, for the running kernel (DESTDIR=, PREFIX=)'
	@echo 'make uninstall     the reverse, for all kernels'
	@echo 'make clean         remove what was built'
	@echo
	@echo 'Variables:'
	@echo '  KDIR=DIR                kernel headers to build for (W=1, C=1 as in the kernel)'
	@echo '  VENDOR=amd|intel        run: the emulated processor; CPU= its model'
	@echo '  HOST_KERNEL=            run: 6.1, 6.12, 6.1-generic, 6.12-generic or 6.1-sanitized'
	@echo '  GUEST_KERNEL=           run: as above, i386-pae, i386, or a bzImage'
	@echo '  GUEST_INITRD= MEM=      run: another initrd; memory of the guest'
	@echo '  MODULE=ours|stock       run: which KVM module'
	@echo '  HOST=native             run: use this machine, loading the module into its kernel (root)'

module:
	@kdir="$(KDIR)" && [ -n "$$kdir" ] && tools/build-module "$$kdir"

tools:
	@$(debian) need gcc libc6-dev
	@$(MAKE) -s -C tools

run: tools
	@tests/guest/linux/run

check: tools
	@tests/run --jobs $(JOBS) $(T)

check-all: tools
	@tests/run --jobs $(JOBS) --all $(T)

check-quick: tools
	@tests/run --jobs $(JOBS) --quick $(T)

check-sanitized: tools
	@tests/run --jobs $(JOBS) --sanitized $(if $(CONTINUE),--continue) $(T)

coverage: tools
	@tests/coverage --jobs $(JOBS) $(T)

mutants: tools
	@tests/mutants/run --jobs $(JOBS) $(M:%=--only '%')

bench: tools
	@tests/bench/run

export VENDOR CPU HOST HOST_KERNEL GUEST_KERNEL GUEST_INITRD MODULE MEM

# --- installation, for the kernel of KDIR ---

release		= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
module_dir	= $(DESTDIR)/lib/modules/$(release)/updates

# Without headers of its own for this kernel there is nothing to install for it.
installable:
ifeq ($(origin KDIR)$(wildcard $(native_kdir)),file)
	@echo 'No headers of this kernel: install linux-headers-$(shell uname -r), or give KDIR=' >&2; exit 1
endif

install: installable all
	install -D -m 644 build/$(release)/kvm.ko $(module_dir)/kvm.ko
	install -D -m 755 tools/kvm-launch $(DESTDIR)$(PREFIX)/bin/kvm-launch
	install -D -m 644 Documentation/kvm-launch.1 $(DESTDIR)$(PREFIX)/share/man/man1/kvm-launch.1
	install -D -m 644 tools/install/kvm-modprobe.conf $(DESTDIR)/etc/modprobe.d/kvm-shadow.conf
	install -D -m 644 tools/install/kvm-load.conf $(DESTDIR)/etc/modules-load.d/kvm-shadow.conf
	install -D -m 644 tools/install/kvm.rules $(DESTDIR)/etc/udev/rules.d/65-kvm-shadow.rules
ifeq ($(DESTDIR),)
	getent group kvm > /dev/null || groupadd --system kvm
	depmod $(release)
endif
	@echo 'Installed.  Stock modules in use stay until "modprobe -r kvm_amd kvm_intel kvm; modprobe kvm".'

# For every kernel, also one whose headers are gone: what keeps the stock modules away goes.
uninstall:
	@for module in $(DESTDIR)/lib/modules/*/updates/kvm.ko; do \
		if modinfo -F description "$$module" 2> /dev/null | grep -q 'with shadow paging$$'; then \
			echo "rm $$module"; rm "$$module"; \
			release=$${module%/updates/kvm.ko}; \
			[ -n "$(DESTDIR)" ] || depmod "$${release##*/}"; \
		fi; \
	done
	rm -f $(DESTDIR)$(PREFIX)/bin/kvm-launch $(DESTDIR)$(PREFIX)/share/man/man1/kvm-launch.1 \
		$(DESTDIR)/etc/modprobe.d/kvm-shadow.conf \
		$(DESTDIR)/etc/modules-load.d/kvm-shadow.conf \
		$(DESTDIR)/etc/udev/rules.d/65-kvm-shadow.rules

clean:
	rm -rf build tools/kvm-launch

.PHONY: all help module tools run check check-all check-quick check-sanitized mutants coverage \
	bench installable install uninstall clean
