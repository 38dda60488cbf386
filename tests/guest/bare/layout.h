/* SPDX-License-Identifier: GPL-2.0 */
/* What the library's C and assembly files both know: selectors and vectors. */
#ifndef BARE_LAYOUT_H
#define BARE_LAYOUT_H

/* SYSRET and SYSEXIT want user selectors in this order. */
#define SEL_CODE	0x08	/* of the program's own width, CPL 0 */
#define SEL_DATA	0x10	/* flat, 4 GiB */
#define SEL_USER_CODE32	0x1b
#define SEL_USER_DATA	0x23
#define SEL_USER_CODE	0x2b	/* of the program's own width, CPL 3 */
#define SEL_TSS		0x30	/* two slots in 64-bit programs */
#define SEL_CODE32	0x40	/* flat, CPL 0 */
#define SEL_CODE16	0x48	/* base 64 KiB, where .low begins */
#define SEL_DATA16	0x50	/* base 0, 64 KiB: what real mode expects */
#define SEL_CODE64	0x58
#define GDT_ENTRIES	16	/* the last ones are free for tests */

#define LOW_BASE	0x10000	/* of .low: real-mode segment 0x1000 */

#define VECTOR_USER_RETURN 0x7f	/* how a USER function comes back */

#define STACK_SIZE	0x8000

#endif
