/* SPDX-License-Identifier: GPL-2.0 */
/* No-operations that mark what count.c counts: nopl DISPLACEMENT(%eax or %rax). */
#ifndef BENCH_MARKER_H
#define BENCH_MARKER_H

#define MARKER_BEGIN	0x6e676562	/* "begn" */
#define MARKER_END	0x646e6565	/* "eend" */

#define MARK(which)							\
	asm volatile(".byte 0x0f, 0x1f, 0x80; .long %c0" : : "i"(which) : "memory")

#endif
