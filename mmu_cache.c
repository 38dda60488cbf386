// SPDX-License-Identifier: GPL-2.0
/*
 * mmu_cache.c - the memory of the shadow MMU: what a fault may need is there
 * before it takes mmu.lock, under which nothing can be allocated.
 *
 * Owns: the slabs, vcpu_mmu's caches.  Each vCPU fills its own, in its own
 * thread, and takes from them under the lock (mmu_cache_take()).
 *
 * Read next: mmu.c, mmu_page_fault().
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "kvm.h"
#include "mmu_private.h"

struct kmem_cache *mmu_desc_cache;
static struct kmem_cache *page_cache, *block_slab;

void mmu_free_shadow(void *obj)
{
	struct shadow_page *sp = obj;

	free_page((unsigned long)sp->spt);
	free_page((unsigned long)sp->guest);
	kmem_cache_free(page_cache, sp);
}

/* A shadow page comes with its two tables, and keeps them until the end. */
static void *alloc_shadow(void)
{
	struct shadow_page *sp = kmem_cache_zalloc(page_cache,
						   GFP_KERNEL_ACCOUNT);

	if (!sp)
		return NULL;
	sp->spt = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	sp->guest = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (sp->spt && sp->guest)
		return sp;
	mmu_free_shadow(sp);
	return NULL;
}

static void *alloc_desc(void)
{
	return kmem_cache_alloc(mmu_desc_cache, GFP_KERNEL_ACCOUNT);
}

static void free_desc(void *desc)
{
	kmem_cache_free(mmu_desc_cache, desc);
}

static void *alloc_block(void)
{
	struct gfn_block *b = kmem_cache_zalloc(block_slab,
						GFP_KERNEL_ACCOUNT);

	if (b)
		b->rmap = NO_RMAP;
	return b;
}

static void *alloc_rmap(void)
{
	return (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

static void free_rmap(void *rmap)
{
	free_page((unsigned long)rmap);
}

void mmu_free_block(void *block)
{
	struct gfn_block *b = block;

	if (b->rmap != NO_RMAP)
		free_rmap(b->rmap);
	kmem_cache_free(block_slab, b);
}

static bool cache_fill(struct mmu_cache *c, int to, void *(*alloc)(void))
{
	while (c->nr < to) {
		void *obj = alloc();

		if (!obj)
			return false;
		c->obj[c->nr++] = obj;
	}
	return true;
}

static void cache_drain(struct mmu_cache *c, void (*free)(void *obj))
{
	while (c->nr)
		free(c->obj[--c->nr]);
}

/*
 * One fault: at most four tables, a block per table and one for the page, which
 * may be the first small one in its block; a descriptor per entry made, see
 * DESCS_PER_FAULT.
 */
int mmu_fill_caches(struct kvm_vcpu *vcpu)
{
	struct vcpu_mmu *mmu = &vcpu->mmu;

	if (likely(mmu->desc_cache.nr >= 40 && mmu->page_cache.nr >= 5 &&
		   mmu->block_cache.nr >= 6 && mmu->rmap_cache.nr))
		return 0;
	if (cache_fill(&mmu->desc_cache, 64, alloc_desc) &&
	    cache_fill(&mmu->page_cache, 16, alloc_shadow) &&
	    cache_fill(&mmu->block_cache, 8, alloc_block) &&
	    cache_fill(&mmu->rmap_cache, 4, alloc_rmap))
		return 0;
	return -ENOMEM;
}

void mmu_drain_caches(struct kvm_vcpu *vcpu)
{
	struct vcpu_mmu *mmu = &vcpu->mmu;

	cache_drain(&mmu->desc_cache, free_desc);
	cache_drain(&mmu->page_cache, mmu_free_shadow);
	cache_drain(&mmu->block_cache, mmu_free_block);
	cache_drain(&mmu->rmap_cache, free_rmap);
}

/* ------------------------------------------------------------------------
 * The slabs
 */

int mmu_module_init(void)
{
	mmu_protect_itlb(true);
	mmu_desc_cache = kmem_cache_create("kvm_pte_list",
					   sizeof(struct pte_list_desc), 0,
					   SLAB_ACCOUNT, NULL);
	page_cache = kmem_cache_create("kvm_shadow_page",
				       sizeof(struct shadow_page), 0,
				       SLAB_ACCOUNT, NULL);
	block_slab = kmem_cache_create("kvm_gfn_block",
				       sizeof(struct gfn_block), 0,
				       SLAB_ACCOUNT, NULL);
	if (mmu_desc_cache && page_cache && block_slab)
		return 0;
	mmu_module_exit();
	return -ENOMEM;
}

void mmu_module_exit(void)
{
	mmu_protect_itlb(false);
	kmem_cache_destroy(block_slab);
	kmem_cache_destroy(page_cache);
	kmem_cache_destroy(mmu_desc_cache);
}
