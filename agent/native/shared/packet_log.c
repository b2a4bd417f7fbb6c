/* See packet_log.h. Counts only grow; what the other side wrote is acquired, what it is to see is released. */
#include "shared/packet_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t mapped_size(bool captures)
{
	return captures ? sizeof(struct capturing_log) : sizeof(struct packet_log);
}

int packet_log_open(const char *path, struct packet_log **log, struct capture_ring **captures)
{
	int error = 0, descriptor = open(path, O_RDWR | O_CLOEXEC);
	bool capturing;
	struct stat status;
	void *memory;

	if (descriptor < 0)
		return errno;
	if (fstat(descriptor, &status) < 0 || status.st_size < (off_t)sizeof(**log)) {
		close(descriptor);
		return EINVAL;
	}
	capturing = status.st_size >= (off_t)sizeof(struct capturing_log);
	memory = mmap(NULL, mapped_size(capturing), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0);
	if (memory == MAP_FAILED) {
		error = errno;
	} else {
		*log = memory;
		*captures = capturing ? ((struct capturing_log *)memory)->captures : NULL;
	}
	close(descriptor);
	return error;
}

void packet_log_close(struct packet_log *log, const struct capture_ring *captures)
{
	if (log)
		munmap(log, mapped_size(captures));
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

/* Both copy `size` bytes, from the ring's byte `at` on, in two parts where they go round its end. */
static void copy_out(uint8_t *bytes, const struct capture_ring *capture, uint64_t at, size_t size)
{
	size_t start = at % CAPTURE_BYTES, first = size < CAPTURE_BYTES - start ? size : CAPTURE_BYTES - start;

	memcpy(bytes, capture->bytes + start, first);
	memcpy(bytes + first, capture->bytes, size - first);
}

static void copy_in(struct capture_ring *capture, uint64_t at, const uint8_t *bytes, size_t size)
{
	size_t start = at % CAPTURE_BYTES, first = size < CAPTURE_BYTES - start ? size : CAPTURE_BYTES - start;

	memcpy(capture->bytes + start, bytes, first);
	memcpy(capture->bytes, bytes + first, size - first);
}

uint8_t capture_write(struct capture_ring *capture, const struct packet_ring *ring, unsigned ahead, const uint8_t *data,
	uint32_t length)
{
	size_t size = length < capture->most ? length : capture->most;
	uint64_t records = ring->written + ahead - __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE);

	if (records >= PACKET_LOG_RECORDS ||
	    capture->written + size - __atomic_load_n(&capture->read, __ATOMIC_ACQUIRE) > CAPTURE_BYTES) {
		__atomic_store_n(&capture->lost, capture->lost + 1, __ATOMIC_RELAXED);
		return 0;
	}
	copy_in(capture, capture->written, data, size);
	__atomic_store_n(&capture->written, capture->written + size, __ATOMIC_RELEASE);
	return LOGGED_CAPTURED;
}

uint64_t capture_lost(const struct capture_ring *capture)
{
	return __atomic_load_n(&capture->lost, __ATOMIC_RELAXED);
}

size_t capture_size(const struct capture_ring *capture, const struct packet_record *records, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		if (records[i].flags & LOGGED_CAPTURED)
			size += records[i].length < capture->most ? records[i].length : capture->most;
	return size;
}

bool capture_read(struct capture_ring *capture, uint8_t *bytes, size_t size)
{
	uint64_t read = capture->read;

	if (__atomic_load_n(&capture->written, __ATOMIC_ACQUIRE) - read < size)
		return false;
	copy_out(bytes, capture, read, size);
	__atomic_store_n(&capture->read, read + size, __ATOMIC_RELEASE);
	return true;
}
