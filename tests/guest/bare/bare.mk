# SPDX-License-Identifier: GPL-2.0
# Builds bare guests.  A suite's Makefile sets TOP and OUT, includes this file
# and names its programs; NAME.32 and NAME.64 come from NAME.c, or, if
# NAME_SOURCES is set, from those files:
#
#	all: $(OUT)/paging.32 $(OUT)/paging.64

BARE		:= $(TOP)/tests/guest/bare
BARE_SOURCES	:= start.S trap.S mode.S trap.c mode.c paging.c lib.c apic.c
BARE_CFLAGS	:= -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wno-missing-field-initializers \
	-ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -fno-strict-aliasing --param=min-pagesize=0 \
	-mgeneral-regs-only -mno-red-zone \
	-I$(BARE) -I.
BARE_LDFLAGS	:= -nostdlib -static -no-pie \
	-Wl,-T,$(BARE)/bare.lds,--build-id=none,-z,max-page-size=4096,--no-warn-rwx-segments

# Recipe for a program of $(1) bits: one compilation of all its sources.
bare_link = @mkdir -p $(OUT); gcc -m$(1) -DBITS=$(1) $(BARE_CFLAGS) $(BARE_LDFLAGS) -o $@ \
	$(addprefix $(BARE)/,$(BARE_SOURCES)) $(or $($*_SOURCES),$*.c)

bare_needs = $(wildcard $(BARE)/*) $(wildcard *.[chS])

$(OUT)/%.32: $(bare_needs)
	$(call bare_link,32)

$(OUT)/%.64: $(bare_needs)
	$(call bare_link,64)
