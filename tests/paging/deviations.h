/* SPDX-License-Identifier: GPL-2.0 */
/*
 * deviations.h - where Linux's module differs from the processor's manual, and
 * ours does not: name, what the processor does and so do we, what Linux's
 * does, what the tests do about it.  `paging deviations` prints it.  No guard:
 * it is included to make a table.
 */
DEVIATION(smap_implicit, "RFLAGS.AC at CPL 3 is no leave for implicit supervisor accesses (SDM vol. 3, \"Determination of Access Rights\")",
	  "the access faults for ever, as the module takes AC for a leave and sees no reason to fault",
	  "test smap runs on ours only; no other test sets AC at CPL 3")
DEVIATION(smap_without_wp, "SMAP holds whatever CR0.WP says",
	  "after a write with AC while CR0.WP is 0 to a page without the right to write, reads without AC succeed",
	  "test smap runs on ours only; all others set SMAP only together with CR0.WP, or write nothing to such pages")
DEVIATION(fetch_bit, "an instruction fetch is told in the error code only where paging has it: with SMEP, or with EFER.NXE in forms of paging with NX",
	  "32-bit paging with EFER.NXE sets the bit, too",
	  "the bit may be either way there")
DEVIATION(mmio_dirty, "a write to MMIO sets the dirty bit of the page's entry",
	  "with CR0.WP clear it does not, if the page was read before",
	  "test mmio keeps CR0.WP set there")
DEVIATION(nxe_off, "without EFER.NXE an entry with NX has a reserved bit, and faults",
	  "after EFER.NXE was cleared, and everything flushed, it does not always",
	  "tests/guestfuzz leaves EFER.NXE on there; in the tables of test matrix it does")
DEVIATION(cmpxchg16b, "CMPXCHG16B to a page table is done",
	  "it is tried again for ever",
	  "test writes has it with strict=1 only, for ours")
DEVIATION(fault_forgets, "what was cached of an address is gone after a page fault there (SDM vol. 3, \"Operations that Invalidate TLBs and Paging-Structure Caches\")",
	  "not after one that says that the page is not present",
	  "tests/guestfuzz allows it there; test upgrade has faults of pages that are present, mmio strict=1 others")
