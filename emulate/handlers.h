/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The handlers that opcode rows name, by the file they are in.
 *
 * A handler runs with its operands loaded, computes into c->dst, and returns X86_OK to
 * have them stored and the instruction committed, or any other result with nothing
 * changed.  Rows are in tables.c.
 */
#ifndef KVM_EMULATE_HANDLERS_H
#define KVM_EMULATE_HANDLERS_H

#define HANDLER(name)	int emul_##name(struct x86_emulate_ctxt *c)

/* integer.c */
HANDLER(xchg);
HANDLER(nop_xchg);
HANDLER(xadd);
HANDLER(cmpxchg);
HANDLER(cmpxchg8b);
HANDLER(mov);
HANDLER(movsx);
HANDLER(lea);
HANDLER(cmov);
HANDLER(setcc);
HANDLER(movbe);
HANDLER(bswap);
HANDLER(cbw);
HANDLER(cwd);
HANDLER(xlat);
HANDLER(nop);
HANDLER(bsf);
HANDLER(bsr);
HANDLER(tzcnt);
HANDLER(lzcnt);
HANDLER(popcnt);
HANDLER(crc32);
HANDLER(adcx);
HANDLER(adox);
HANDLER(mul);
HANDLER(imul1);
HANDLER(imul2);
HANDLER(imul);
HANDLER(div);
HANDLER(idiv);
HANDLER(daa);
HANDLER(das);
HANDLER(aaa);
HANDLER(aas);
HANDLER(aam);
HANDLER(aad);
HANDLER(salc);
HANDLER(add);
HANDLER(or);
HANDLER(adc);
HANDLER(sbb);
HANDLER(and);
HANDLER(sub);
HANDLER(xor);
HANDLER(cmp);
HANDLER(test);
HANDLER(inc);
HANDLER(dec);
HANDLER(neg);
HANDLER(not);
HANDLER(rol);
HANDLER(ror);
HANDLER(rcl);
HANDLER(rcr);
HANDLER(shl);
HANDLER(shr);
HANDLER(sar);
HANDLER(shld);
HANDLER(shrd);
HANDLER(bt);
HANDLER(bts);
HANDLER(btr);
HANDLER(btc);

/* control.c */
HANDLER(jmp_rel);
HANDLER(jcc);
HANDLER(jmp_near);
HANDLER(call_rel);
HANDLER(call_near);
HANDLER(ret);
HANDLER(loop);
HANDLER(jcxz);
HANDLER(push_value);
HANDLER(pop_value);
HANDLER(pop_ev);
HANDLER(pusha);
HANDLER(popa);
HANDLER(enter);
HANDLER(leave);
HANDLER(bound);
HANDLER(pushf);
HANDLER(popf);
HANDLER(sahf);
HANDLER(lahf);
HANDLER(cmc);
HANDLER(clc);
HANDLER(stc);
HANDLER(cld);
HANDLER(std);
HANDLER(cli);
HANDLER(sti);

/* string.c */
HANDLER(in);
HANDLER(out);
HANDLER(movs);
HANDLER(cmps);
HANDLER(scas);
HANDLER(stos);
HANDLER(lods);
HANDLER(ins);
HANDLER(outs);

/* segment.c */
HANDLER(mov_to_sreg);
HANDLER(mov_from_sreg);
HANDLER(push_sreg);
HANDLER(pop_sreg);
HANDLER(load_far_pointer);
HANDLER(lldt);
HANDLER(ltr);
HANDLER(sldt);
HANDLER(str);
HANDLER(lar);
HANDLER(lsl);
HANDLER(verr);
HANDLER(verw);
HANDLER(arpl);

/* far.c */
HANDLER(jmp_far);
HANDLER(call_far);
HANDLER(jmp_far_mem);
HANDLER(call_far_mem);
HANDLER(ret_far);
HANDLER(iret);
HANDLER(syscall);
HANDLER(sysret);
HANDLER(sysenter);
HANDLER(sysexit);

/* event.c */
HANDLER(int);
HANDLER(int1);
HANDLER(int3);
HANDLER(into);

/* system.c */
HANDLER(mov_from_cr);
HANDLER(mov_to_cr);
HANDLER(clts);
HANDLER(smsw);
HANDLER(lmsw);
HANDLER(mov_from_dr);
HANDLER(mov_to_dr);
HANDLER(sgdt);
HANDLER(sidt);
HANDLER(lgdt);
HANDLER(lidt);
HANDLER(rdmsr);
HANDLER(wrmsr);
HANDLER(rdtsc);
HANDLER(rdtscp);
HANDLER(rdpid);
HANDLER(rdpmc);
HANDLER(cpuid);
HANDLER(rdrand);
HANDLER(rdseed);
HANDLER(swapgs);
HANDLER(rdbase);
HANDLER(wrbase);
HANDLER(xgetbv);
HANDLER(xsetbv);
HANDLER(hlt);
HANDLER(pause_xchg);
HANDLER(invd);
HANDLER(wbinvd);
HANDLER(hypercall);
HANDLER(svm);
HANDLER(invlpg);
HANDLER(invpcid);
HANDLER(clflush);
HANDLER(monitor);
HANDLER(mwait);
HANDLER(clac);
HANDLER(stac);

/* vector.c */
HANDLER(vmov);
HANDLER(vload);
HANDLER(vmerge_low4);
HANDLER(vmerge_low8);
HANDLER(vmerge_high8);
HANDLER(movhlps);
HANDLER(vstore_high);
HANDLER(maskmovdqu);
HANDLER(maskmovq);
HANDLER(vmaskmov4_load);
HANDLER(vmaskmov8_load);
HANDLER(vmaskmov4_store);
HANDLER(vmaskmov8_store);
HANDLER(vpmaskmov_load);
HANDLER(vpmaskmov_store);
HANDLER(mmx_load);
HANDLER(mmx_store);
HANDLER(movq2dq);
HANDLER(movdq2q);
HANDLER(ldmxcsr);
HANDLER(stmxcsr);
HANDLER(fxsave);
HANDLER(fxrstor);
HANDLER(fninit);
HANDLER(fnclex);
HANDLER(fnstcw);
HANDLER(fnstsw);
HANDLER(fldcw);
HANDLER(fwait);

#undef HANDLER

#endif
