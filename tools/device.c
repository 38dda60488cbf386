// SPDX-License-Identifier: GPL-2.0
/*
 * Port I/O: finds the device behind a port.  Devices register themselves in a
 * linker section (DEVICE in launch.h).  One lock covers them all, so a device
 * needs none of its own; input threads take it with devices_lock().
 */
#include <string.h>
#include <time.h>

#include "launch.h"

extern const struct device *const __start_devices[];
extern const struct device *const __stop_devices[];

static pthread_mutex_t devices_mutex = PTHREAD_MUTEX_INITIALIZER;

/* False after a second: an input must not wait behind output that nobody takes. */
bool devices_lock(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	return !pthread_mutex_timedlock(&devices_mutex, &until);
}

void devices_unlock(void)
{
	pthread_mutex_unlock(&devices_mutex);
}

void devices_init(struct vm *vm)
{
	const struct device *const *device;

	for (device = __start_devices; device < __stop_devices; device++)
		if ((*device)->init)
			(*device)->init(vm);
}

static const struct device *find_device(uint16_t port)
{
	const struct device *const *device;

	for (device = __start_devices; device < __stop_devices; device++)
		if (port >= (*device)->port && port < (*device)->port + (*device)->ports)
			return *device;
	return NULL;
}

/* Serves a KVM_EXIT_IO; a port without a device reads as ones. */
void devices_io(struct vm *vm, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint16_t port = run->io.port;
	unsigned int size = run->io.size;
	const struct device *device = find_device(port);
	uint32_t i, value;

	pthread_mutex_lock(&devices_mutex);
	for (i = 0; i < run->io.count; i++, data += size) {
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			value = 0;
			memcpy(&value, data, size);
			if (device && device->out)
				device->out(vm, port - device->port, size, value);
		} else {
			value = device && device->in ?
				device->in(vm, port - device->port, size) : 0xffffffff;
			memcpy(data, &value, size);
		}
	}
	devices_unlock();
}
