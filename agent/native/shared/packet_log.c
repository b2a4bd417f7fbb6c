/* See packet_log.h. Counts only grow; what the other side wrote is acquired, what it is to see is released. */
#include "shared/packet_log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int packet_log_open(const char *path, struct packet_log **log)
{
	int error = 0, descriptor = open(path, O_RDWR | O_CLOEXEC);
	struct stat status;
	void *memory;

	if (descriptor < 0)
		return errno;
	if (fstat(descriptor, &status) < 0 || status.st_size < (off_t)sizeof(**log)) {
		close(descriptor);
		return EINVAL;
	}
	memory = mmap(NULL, sizeof(**log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0);
	if (memory == MAP_FAILED)
		error = errno;
	else
		*log = memory;
	close(descriptor);
	return error;
}

void packet_log_close(struct packet_log *log)
{
	if (log)
		munmap(log, sizeof(*log));
}

void packet_log_write(struct packet_ring *ring, const struct packet_record *record)
{
	uint64_t written = ring->written;

	if (written - __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE) >= PACKET_LOG_RECORDS) {
		__atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
		return;
	}
	ring->records[written % PACKET_LOG_RECORDS] = *record;
	__atomic_store_n(&ring->written, written + 1, __ATOMIC_RELEASE);
}

size_t packet_log_read(struct packet_ring *ring, struct packet_record *records, size_t most)
{
	uint64_t read = ring->read;
	uint64_t ready = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE) - read;
	size_t count = ready < most ? ready : most;

	for (size_t i = 0; i < count; i++)
		records[i] = ring->records[(read + i) % PACKET_LOG_RECORDS];
	__atomic_store_n(&ring->read, read + count, __ATOMIC_RELEASE);
	return count;
}

uint64_t packet_log_lost(const struct packet_ring *ring)
{
	return __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
}
