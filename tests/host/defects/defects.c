// SPDX-License-Identifier: GPL-2.0
/*
 * defects.c - a module that does, when it is loaded, one thing wrong: the
 * parameter `defect` says which.  By it ../check shows that the sanitised host
 * sees each kind of defect.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *defect = "none";
module_param(defect, charp, 0444);

static DEFINE_SPINLOCK(spin);
static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static struct timer_list *timer;

static void none(void)
{
}

/* @size bytes of which the compiler knows nothing. */
static char *memory(size_t size)
{
	char *p = kmalloc(size, GFP_KERNEL | __GFP_NOFAIL);

	OPTIMIZER_HIDE_VAR(p);
	return p;
}

static void bounds(void)
{
	char *p = memory(24);

	p[24] = 0;
	kfree(p);
}

static void stale(void)
{
	char *p = memory(24);

	kfree(p);
	WRITE_ONCE(p[0], 0);
}

/* Calls what may sleep; to sleep would be another thing, and the end. */
static void sleeps(void)
{
	spin_lock(&spin);
	mutex_lock(&first);
	mutex_unlock(&first);
	spin_unlock(&spin);
}

static void order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

/* Several: a stale copy of an address, somewhere, makes one look as if in use. */
static void leak(void)
{
	int i;

	for (i = 0; i < 10; i++)
		memory(500)[0] = i;
}

static void shift(void)
{
	int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	pr_info("defects: %x\n", 1 << bits);
}

static void warns(void)
{
	WARN_ON(1);
}

static void expired(struct timer_list *unused)
{
}

static void frees_timer(void)
{
	timer = kmalloc(sizeof(*timer), GFP_KERNEL | __GFP_NOFAIL);
	timer_setup(timer, expired, 0);
	mod_timer(timer, jiffies + 100 * HZ);
	kfree(timer);
}

static const struct {
	const char *name;
	void (*commit)(void);
} defects[] = {
	{ "none", none }, { "bounds", bounds }, { "stale", stale },
	{ "sleeps", sleeps }, { "order", order }, { "leak", leak },
	{ "shift", shift }, { "warns", warns }, { "timer", frees_timer },
};

static int __init defects_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(defects); i++) {
		if (strcmp(defects[i].name, defect))
			continue;
		defects[i].commit();
		return 0;
	}
	return -EINVAL;
}

static void __exit defects_exit(void)
{
}

module_init(defects_init);
module_exit(defects_exit);
MODULE_LICENSE("GPL");
