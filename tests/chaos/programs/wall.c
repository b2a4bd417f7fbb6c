/* A wall clock that is stepped or drifts, for one process: preloaded, it stands before the C library's.
 *
 * The kernel has no wall clock for a namespace alone, and that of the machine is everybody's. $PLCTL_CHAOS_WALL is a file
 * of two shifts, before and from an instant on (CLOCK_MONOTONIC, ns), see `struct shift`. It is mapped, so what is written
 * there holds at once. Also the kernel's receive stamps that recvmsg(2) and recvmmsg(2) give are shifted, each by what held
 * when it was made, as those of a machine would be whose clock is really set. Forwarders are left alone: the stamps of
 * their frames lie in memory that the kernel writes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define S 1000000000LL

/* By how much the wall clock is ahead (ns), by how much it is too fast (ppb), and since when (CLOCK_MONOTONIC, ns). */
struct shift {
    int64_t step_ns, ppb, since_ns;
};

struct shifts {
    struct shift before, now;
    int64_t now_from_ns;
};

static const volatile struct shifts *shifts;
static int (*real_gettime)(clockid_t, struct timespec *);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static int (*real_recvmmsg)(int, struct mmsghdr *, unsigned int, int, struct timespec *);

/* Whether a word of this process's command line has `part` in it. */
static int is_called(const char *part) {
    char line[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    line[length > 0 ? length : 0] = '\0';
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(line + at) + 1)
        if (strstr(line + at, part))
            return 1;
    return 0;
}

static void find_real(void) {
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    real_recvmsg = (ssize_t(*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
    real_recvmmsg =
        (int (*)(int, struct mmsghdr *, unsigned int, int, struct timespec *))dlsym(RTLD_NEXT, "recvmmsg");
}

__attribute__((constructor)) static void begin(void) {
    find_real();
    const char *path = getenv("PLCTL_CHAOS_WALL");
    int fd = path && !is_called("forwarder.process") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof *shifts, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED)
        shifts = memory;
}

static int64_t to_ns(const struct timespec *t) { return t->tv_sec * S + t->tv_nsec; }

static struct timespec to_timespec(int64_t ns) { return (struct timespec){ns / S, ns % S}; }

/* How far ahead the wall clock is at `at_ns` of CLOCK_MONOTONIC. */
static int64_t ahead_ns(int64_t at_ns) {
    const volatile struct shift *shift = at_ns < shifts->now_from_ns ? &shifts->before : &shifts->now;
    return shift->step_ns + (int64_t)((double)(at_ns - shift->since_ns) * (double)shift->ppb / 1e9);
}

int clock_gettime(clockid_t clock, struct timespec *t) {
    if (!real_gettime)
        find_real();
    int status = real_gettime(clock, t);
    if (status != 0 || !shifts || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return status;
    struct timespec now;
    real_gettime(CLOCK_MONOTONIC, &now);
    *t = to_timespec(to_ns(t) + ahead_ns(to_ns(&now)));
    return 0;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int status = clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return status;
}

time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t)
        *t = now.tv_sec;
    return now.tv_sec;
}

/* Moves the receive stamps of a message, which are the kernel's wall clock, onto this one. */
static void move_stamps(struct msghdr *message) {
    struct timespec wall, now;
    real_gettime(CLOCK_REALTIME, &wall);
    real_gettime(CLOCK_MONOTONIC, &now);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS || c->cmsg_len < CMSG_LEN(sizeof wall))
            continue;
        struct timespec stamp;
        memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        stamp = to_timespec(to_ns(&stamp) + ahead_ns(to_ns(&now) - (to_ns(&wall) - to_ns(&stamp))));
        memcpy(CMSG_DATA(c), &stamp, sizeof stamp);
    }
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    if (!real_recvmsg)
        find_real();
    ssize_t length = real_recvmsg(fd, message, flags);
    if (length >= 0 && shifts)
        move_stamps(message);
    return length;
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout) {
    if (!real_recvmmsg)
        find_real();
    int received = real_recvmmsg(fd, messages, count, flags, timeout);
    for (int number = 0; number < received && shifts; number++)
        move_stamps(&messages[number].msg_hdr);
    return received;
}
