/* A disk that fails when what was written is to be kept: for LD_PRELOAD. DISK_ERROR names a file
 * that holds the number of an error (0: none), which fsync and fdatasync then give for every file
 * below the directory that DISK_AT names. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const volatile int64_t *number;
static const char *at;

__attribute__((constructor)) static void map_error(void) {
    const char *path = getenv("DISK_ERROR");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    at = getenv("DISK_AT");
    if (file < 0 || !at) return;
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) number = page;
    close(file);
}

static int fails(int file) {
    char link[64], path[PATH_MAX];
    if (!number || !*number) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, at, strlen(at))) return 0;
    errno = (int)*number;
    return 1;
}

int fsync(int file) { return fails(file) ? -1 : (int)syscall(SYS_fsync, file); }

int fdatasync(int file) { return fails(file) ? -1 : (int)syscall(SYS_fdatasync, file); }
