/* A wall clock that is stepped or drifts, for one process: preloaded, it stands before the C library's.
 *
 * $PLCTL_CHAOS_WALL is a file of three int64: by how much the wall clock is ahead (ns), by how much it is too fast (ppb),
 * and since when (CLOCK_MONOTONIC, ns). It is mapped, so what is written there holds at once. Forwarders are left alone:
 * their frames bear the kernel's stamps. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define S 1000000000LL

struct shift {
    int64_t step_ns, ppb, since_ns;
};

static const volatile struct shift *shift;
static int (*real_gettime)(clockid_t, struct timespec *);

/* Whether a word of this process's command line ends with `end`. */
static int is_called(const char *end) {
    char line[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    line[length > 0 ? length : 0] = '\0';
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(line + at) + 1)
        if (strstr(line + at, end))
            return 1;
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("PLCTL_CHAOS_WALL");
    int fd = path && !is_called("forwarder.process") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED)
        shift = memory;
}

static int64_t to_ns(const struct timespec *t) { return t->tv_sec * S + t->tv_nsec; }

int clock_gettime(clockid_t clock, struct timespec *t) {
    if (!real_gettime)
        real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int status = real_gettime(clock, t);
    if (status != 0 || !shift || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return status;
    struct timespec now;
    real_gettime(CLOCK_MONOTONIC, &now);
    int64_t wall = to_ns(t) + shift->step_ns + (int64_t)((double)(to_ns(&now) - shift->since_ns) * (double)shift->ppb / 1e9);
    t->tv_sec = wall / S;
    t->tv_nsec = wall % S;
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
