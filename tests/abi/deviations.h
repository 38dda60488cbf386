/* SPDX-License-Identifier: GPL-2.0 */
/*
 * deviations.h - where our module means to differ from Linux's: name, what it
 * does, what Linux's does, why.  `abi --deviations` prints it; tests ask
 * differs(DEV_name).  No guard: it is included to make several tables.
 */
DEVIATION(smm, "slot numbers have one address space, KVM_CAP_X86_SMM and KVM_CAP_MULTI_ADDRESS_SPACE are 0",
	  "bits 16-31 of a slot number may be 1, for memory in system management mode",
	  "there is no system management mode here")
DEVIATION(create_restarts, "KVM_CREATE_VM begins again after a signal, as far as its handler has SA_RESTART",
	  "it fails with EINTR",
	  "nothing has been done yet, and a host that goes to sleep is no reason not to begin a guest")
DEVIATION(dirty_reads, "the dirty log holds pages that were written, no others",
	  "a page that the guest reads for the first time after logging began is marked too, if its page tables say dirty",
	  "both satisfy the API; the exact log transfers less")
DEVIATION(emulated_efault, "KVM_RUN fails with EFAULT also where an emulated instruction writes to a slot whose memory the process has unmapped",
	  "such a write leaves as KVM_EXIT_MMIO",
	  "there is a slot, so it is not MMIO; as MMIO the write would be lost without anybody knowing")
DEVIATION(rflags_reserved, "KVM_SET_REGS drops the reserved bits of RFLAGS",
	  "they are stored, and read again",
	  "no processor has them; an entry with them is not defined")
DEVIATION(vm86_iopl, "PUSHF in real mode pushes the guest's IOPL",
	  "on VT-x, without unrestricted guest, it pushes 3",
	  "a vm86 task with IOPL 0 traps where one with 3 would show it")
DEVIATION(vm86_sysenter, "SYSENTER in real mode is #GP, as in the manual",
	  "on VT-x, without unrestricted guest, it enters protected mode behind the module's back",
	  "a vm86 task is in protected mode; with IA32_SYSENTER_CS zero meanwhile it faults as it should")
DEVIATION(hlt_sipi, "a SIPI does not end HLT",
	  "it does",
	  "only a processor that waits for it takes a SIPI (SDM vol. 3, \"MP Initialization Protocol\")")
DEVIATION(debug_dr7, "KVM_SET_GUEST_DEBUG refuses bits of DR7 that are none with EINVAL",
	  "they are taken, and the next entry fails",
	  "as KVM_SET_DEBUGREGS does for the same register")
DEVIATION(idt_in_device, "an event is delivered through an IDT, or to a stack, that is not memory: KVM_EXIT_MMIO",
	  "KVM_EXIT_INTERNAL_ERROR",
	  "a processor would read the device; so does the emulator, which delivers it")
DEVIATION(efer_reserved, "KVM_SET_SREGS refuses reserved bits of EFER with EINVAL",
	  "they are taken, and the next entry fails",
	  "state that cannot be entered is refused when it is set, as KVM_SET_MSRS does for the same register")
DEVIATION(sysenter, "IA32_SYSENTER_ESP and EIP keep 64 bits",
	  "on AMD they are cut to 32, unless the guest's CPUID says Intel",
	  "the processor keeps 64; nothing of the guest's can tell, as AMD has no SYSENTER in long mode")
DEVIATION(msr_list, "every MSR of KVM_GET_MSR_INDEX_LIST can be read and set, and the guest reads few others",
	  "some of the list fail, as the guest's CPUID does not have them; more answer that are not listed",
	  "a client saves what is listed, and cannot save the rest")
DEVIATION(no_memory, "a VM without any memory slot runs, and ends in KVM_EXIT_INTERNAL_ERROR at the first fetch",
	  "on AMD KVM_RUN fails with ENOSPC",
	  "there is no reason for a special case")
DEVIATION(tss_addr, "KVM_SET_TSS_ADDR may be called again",
	  "on VT-x it fails with EEXIST then",
	  "the address has no effect")
DEVIATION(ring_full, "the coalesced ring is full with all entries but one",
	  "for the first time half way",
	  "it miscounts while the indices have not wrapped")
DEVIATION(ins_mmio, "INS into MMIO writes each item by itself",
	  "several items become one access of up to 8 bytes",
	  "so does the processor, and so devices expect it")
DEVIATION(moved, "what user space answers to IN, INS or a load is dropped if RIP was set meanwhile",
	  "for IN only; else the old instruction goes on at the new place",
	  "a client that resets a vCPU in between means it")
DEVIATION(interrupt_twice, "a second KVM_INTERRUPT before the first is delivered fails with EEXIST",
	  "it replaces the first",
	  "the API document says EEXIST, and an interrupt that was acknowledged must not be lost")
DEVIATION(interrupt_if, "an interrupt from user space waits until the guest takes interrupts: whether by KVM_INTERRUPT or in the state that is set",
	  "it is delivered at the next entry, whatever IF is; on VT-x that entry fails if IF is clear",
	  "so does an interrupt; a client that looks at ready_for_interrupt_injection first sees no difference")
DEVIATION(irq_meets_fault, "an interrupt whose delivery met a page fault of the guest's comes when that fault's handler is done",
	  "it is lost",
	  "its controller has been told that it was taken, and would wait for its end for ever")
DEVIATION(bp_length, "a #BP can be injected at any time",
	  "on VT-x the entry fails if the vCPU has not run yet",
	  "the length of INT3 is known")
DEVIATION(bp_lost, "a #BP that was put in comes, also if its delivery has to be begun again",
	  "it is lost",
	  "so do all other exceptions")
DEVIATION(nmi_tf, "PUSHF shows the guest's own TF while an NMI waits for the end of an interrupt shadow",
	  "on AMD it is set",
	  "it is the module that steps")
DEVIATION(step_io, "KVM_GUESTDBG_SINGLESTEP: KVM_EXIT_DEBUG follows each instruction",
	  "not one whose emulation left for user space: MMIO, string I/O",
	  "a debugger would not see where the guest went")
DEVIATION(real_gp, "in real mode without unrestricted guest a #GP of an instruction that is not emulated comes to the guest",
	  "KVM_EXIT_INTERNAL_ERROR",
	  "it is the guest's mistake")
DEVIATION(task_fault, "a task switch that meets a page fault runs again; a task whose segment registers cannot be loaded starts with #TS",
	  "on VT-x it goes on behind the instruction, or with what could not be loaded",
	  "SDM, \"Exception Conditions Checked During a Task Switch\"")
DEVIATION(inject_bp_rip, "KVM_GUESTDBG_INJECT_BP: the guest returns behind its INT3",
	  "without next-RIP saving, behind the port access that left for user space before",
	  "so does INT3")
DEVIATION(fpu_fresh, "KVM_SET_FPU has effect at once",
	  "it has none as long as XSAVE holds x87 and SSE for unused",
	  "state that is set is what the guest finds")
DEVIATION(fpu_cleared, "KVM_GET_FPU says zero of registers that the guest has made zero",
	  "what they held before, if XSAVE holds them for unused",
	  "KVM_GET_XSAVE says zero, too")
DEVIATION(fpu_mxcsr, "struct kvm_fpu carries MXCSR both ways",
	  "KVM_GET_FPU says 0, KVM_SET_FPU ignores it",
	  "the field is there")
DEVIATION(sync_bits, "KVM_RUN refuses any unknown bit of kvm_valid_regs and kvm_dirty_regs with EINVAL",
	  "6.12 looks at bits 0-31 only",
	  "what has no meaning is refused, as 6.1 does")
DEVIATION(x2apic_reserved, "reserved bits written to x2APIC registers are #GP, as is an EOI other than 0",
	  "some are ignored",
	  "SDM, \"Reserved bit checking\" of x2APIC")
DEVIATION(x2apic_id, "KVM_SET_LAPIC refuses an id that is not the vCPU's in x2APIC mode",
	  "it is ignored",
	  "no x2APIC has another")
DEVIATION(illegal_vector, "an IPI with a vector below 16 is an error in ESR, and not delivered",
	  "it is delivered",
	  "SDM, \"Error Handling\" of the local APIC")
DEVIATION(clock_two_pages, "a kvmclock or wall clock structure that would cross a page is not written",
	  "both parts are written",
	  "the guest's contract is one structure in one page; what is written through one translation must not leave it")
DEVIATION(high_base, "without long mode a page fault counts by the low 32 bits of its address",
	  "with a base beyond 4 GiB set by KVM_SET_SREGS the guest finds the page there, and from then on at the low address too",
	  "linear addresses have 32 bits there; a processor may report more (QEMU, for the IDT)")
DEVIATION(sregs_tables, "page tables that user space has written count from KVM_SET_SREGS on",
	  "where it shadows them, it keeps to what they were until the guest writes them",
	  "a snapshot that is loaded into a machine that has run has page tables, too; with nested paging they count")
DEVIATION(clock_missed, "a kvmclock that could not be written to the process's memory is written when KVM_RUN is next called",
	  "that update is lost",
	  "a guest would find no time in its clock because the host was short of memory once")
DEVIATION(long_tss16, "on Intel, long mode with a 16-bit TSS in TR is #GP",
	  "TR becomes a 64-bit TSS",
	  "SDM, \"MOV - Move to/from Control Registers\"; on AMD nobody looks")
