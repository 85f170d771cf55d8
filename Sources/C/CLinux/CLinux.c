#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

// Repeats a call that a signal interrupted; leaves -errno or the value in `result`.
#define UNINTERRUPTED(result, call)                    \
    do {                                               \
        (result) = (call);                             \
        if ((result) < 0) (result) = -errno;           \
    } while ((result) == -EINTR)

int clinux_o_path(void) { return O_PATH; }
int clinux_o_direct(void) { return O_DIRECT; }
int clinux_o_tmpfile(void) { return O_TMPFILE; }
int clinux_o_noatime(void) { return O_NOATIME; }

int clinux_open(const char *path, int flags, uint32_t mode) {
    int result;
    UNINTERRUPTED(result, open(path, flags | O_CLOEXEC, mode));
    return result;
}

int clinux_close(int descriptor) {
    // Linux has released the descriptor even when it says EINTR: a second close could hit another thread's file.
    return close(descriptor) < 0 && errno != EINTR ? -errno : 0;
}

int clinux_open_walk(int folder, const char *path, int flags, uint32_t mode, int options) {
    struct stat root, part;
    int check_device = options & CLINUX_NO_CROSS_DEVICE;
    if (check_device && fstat(folder, &root) < 0) return -errno;
    if (*path == '/') return -EXDEV;  // as openat2 says it
    if (*path == 0) return -ENOENT;
    int current = folder;
    for (;;) {
        const char *end = strchrnul(path, '/');
        size_t length = (size_t)(end - path);
        char name[256];
        int result;
        if (length > 255) {
            result = -ENAMETOOLONG;
        } else if (length == 2 && path[0] == '.' && path[1] == '.') {
            result = -EXDEV;
        } else {
            memcpy(name, length ? path : ".", length ? length : 1);
            name[length ? length : 1] = 0;
            while (*end == '/' && end[1] == '/') end++;
            if (*end == 0) {
                UNINTERRUPTED(result, openat(current, name, flags | O_NOFOLLOW | O_CLOEXEC, mode));
            } else {
                UNINTERRUPTED(result, openat(current, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0));
                // Of a link in the middle openat2 says ELOOP.
                if (result == -ENOTDIR && fstatat(current, name, &part, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISLNK(part.st_mode))
                    result = -ELOOP;
            }
            if (result >= 0 && check_device && fstat(result, &part) == 0 && part.st_dev != root.st_dev) {
                clinux_close(result);
                result = -EXDEV;
            }
        }
        if (current != folder) clinux_close(current);
        if (result < 0 || *end == 0) return result;
        current = result;
        path = end + 1;
    }
}

int clinux_open_beneath(int folder, const char *path, int flags, uint32_t mode, int options) {
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
                   (options & CLINUX_NO_CROSS_DEVICE ? RESOLVE_NO_XDEV : 0),
    };
    long result;
    // EAGAIN: a rename elsewhere made the kernel unsure that the walk stayed beneath.
    int attempts = 0;
    do {
        UNINTERRUPTED(result, syscall(SYS_openat2, folder, path, &how, sizeof how));
    } while (result == -EAGAIN && ++attempts < 128);
    if (result == -ENOSYS) return clinux_open_walk(folder, path, flags, mode, options);
    return (int)result;
}

int clinux_stat(int folder, const char *name, clinux_attributes *result) {
    struct statx x;
    int outcome;
    UNINTERRUPTED(outcome, statx(folder, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH),
                                 STATX_BASIC_STATS, &x));
    if (outcome < 0) return outcome;
    result->size = x.stx_size;
    result->allocated_bytes = x.stx_blocks * 512;
    result->inode = x.stx_ino;
    result->device = makedev(x.stx_dev_major, x.stx_dev_minor);
    result->modified_seconds = x.stx_mtime.tv_sec;
    result->modified_nanoseconds = x.stx_mtime.tv_nsec;
    result->changed_seconds = x.stx_ctime.tv_sec;
    result->changed_nanoseconds = x.stx_ctime.tv_nsec;
    result->mode = x.stx_mode;
    result->links = x.stx_nlink;
    result->user = x.stx_uid;
    result->group = x.stx_gid;
    return 0;
}

int clinux_disk(int descriptor, clinux_disk_usage *result) {
    struct statfs s;
    int outcome;
    UNINTERRUPTED(outcome, fstatfs(descriptor, &s));
    if (outcome < 0) return outcome;
    uint64_t unit = (uint64_t)(s.f_frsize ? s.f_frsize : s.f_bsize);
    result->total_bytes = s.f_blocks * unit;
    result->free_bytes = s.f_bfree * unit;
    result->available_bytes = s.f_bavail * unit;
    result->total_inodes = s.f_files;
    result->free_inodes = s.f_ffree;
    result->type = (uint64_t)s.f_type;
    return 0;
}

int clinux_mkdir(int folder, const char *name, uint32_t mode) {
    int result;
    UNINTERRUPTED(result, mkdirat(folder, name, mode));
    return result;
}

int clinux_unlink(int folder, const char *name, int is_folder) {
    int result;
    UNINTERRUPTED(result, unlinkat(folder, name, is_folder ? AT_REMOVEDIR : 0));
    return result;
}

int clinux_link(int from_folder, const char *from, int to_folder, const char *to) {
    int result;
    UNINTERRUPTED(result, linkat(from_folder, from, to_folder, to, 0));
    return result;
}

int clinux_link_descriptor(int descriptor, int to_folder, const char *to) {
    // AT_EMPTY_PATH wants a capability; the way through /proc does not.
    char path[32] = "/proc/self/fd/";
    char digits[12];
    int count = 0, at = 14, result;
    unsigned number = (unsigned)descriptor;
    do digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count) path[at++] = digits[--count];
    path[at] = 0;
    UNINTERRUPTED(result, linkat(AT_FDCWD, path, to_folder, to, AT_SYMLINK_FOLLOW));
    return result;
}

int clinux_rename(int from_folder, const char *from, int to_folder, const char *to, uint32_t flags) {
    long result;
    if (flags == 0)
        UNINTERRUPTED(result, renameat(from_folder, from, to_folder, to));
    else
        UNINTERRUPTED(result, syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
    return (int)result;
}

int clinux_symlink(const char *target, int folder, const char *name) {
    int result;
    UNINTERRUPTED(result, symlinkat(target, folder, name));
    return result;
}

int64_t clinux_readlink(int folder, const char *name, void *buffer, size_t capacity) {
    int64_t result;
    UNINTERRUPTED(result, readlinkat(folder, name, buffer, capacity));
    return result;
}

int clinux_set_times(int folder, const char *name, int64_t seconds, uint32_t nanoseconds) {
    struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    int result;
    UNINTERRUPTED(result, utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW));
    return result;
}

int64_t clinux_getdents(int descriptor, void *buffer, size_t capacity) {
    int64_t result;
    UNINTERRUPTED(result, syscall(SYS_getdents64, descriptor, buffer, capacity));
    return result;
}

// One call moves at most 0x7ffff000 bytes whatever is asked.
static size_t one_call(size_t count) { return count < 0x40000000 ? count : 0x40000000; }

int64_t clinux_read_all(int descriptor, void *buffer, size_t count, uint64_t offset) {
    size_t done = 0;
    while (done < count) {
        ssize_t result = pread(descriptor, (char *)buffer + done, one_call(count - done), (off_t)(offset + done));
        if (result < 0 && errno == EINTR) continue;
        if (result < 0) return -errno;
        if (result == 0) break;
        done += (size_t)result;
    }
    return (int64_t)done;
}

int64_t clinux_write_all(int descriptor, const void *buffer, size_t count, uint64_t offset) {
    size_t done = 0;
    while (done < count) {
        ssize_t result = pwrite(descriptor, (const char *)buffer + done, one_call(count - done), (off_t)(offset + done));
        if (result < 0 && errno == EINTR) continue;
        if (result < 0) return -errno;
        if (result == 0) return -EIO;  // no progress and no error: a broken file system must not make a busy loop
        done += (size_t)result;
    }
    return (int64_t)done;
}

int64_t clinux_append_all(int descriptor, const void *buffer, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t result = write(descriptor, (const char *)buffer + done, one_call(count - done));
        if (result < 0 && errno == EINTR) continue;
        if (result < 0) return -errno;
        if (result == 0) return -EIO;
        done += (size_t)result;
    }
    return (int64_t)done;
}

int clinux_allocate(int descriptor, uint64_t offset, uint64_t count, int keep_size) {
    int result;
    UNINTERRUPTED(result, fallocate(descriptor, keep_size ? FALLOC_FL_KEEP_SIZE : 0, (off_t)offset, (off_t)count));
    return result;
}

int clinux_truncate(int descriptor, uint64_t size) {
    int result;
    UNINTERRUPTED(result, ftruncate(descriptor, (off_t)size));
    return result;
}

// A sync that was interrupted has reported nothing yet, so it may be called again; one that failed may not.
int clinux_fsync(int descriptor) {
    int result;
    UNINTERRUPTED(result, fsync(descriptor));
    return result;
}

int clinux_fdatasync(int descriptor) {
    int result;
    UNINTERRUPTED(result, fdatasync(descriptor));
    return result;
}

int clinux_syncfs(int descriptor) {
    int result;
    UNINTERRUPTED(result, syncfs(descriptor));
    return result;
}

int clinux_start_writeback(int descriptor, uint64_t offset, uint64_t count) {
    int result;
    UNINTERRUPTED(result, sync_file_range(descriptor, (off_t)offset, (off_t)count, SYNC_FILE_RANGE_WRITE));
    return result;
}

int clinux_set_descriptor_times(int descriptor, int64_t seconds, uint32_t nanoseconds) {
    struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    int result;
    UNINTERRUPTED(result, futimens(descriptor, times));
    return result;
}

int clinux_chmod(int descriptor, uint32_t mode) {
    int result;
    UNINTERRUPTED(result, fchmod(descriptor, mode));
    return result;
}

int clinux_ensure_mode(int descriptor, uint32_t mode) {
    struct stat now;
    int result;
    UNINTERRUPTED(result, fstat(descriptor, &now));
    return result < 0 || (now.st_mode & 07777) == mode ? result : clinux_chmod(descriptor, mode);
}

int clinux_advise(int descriptor, uint64_t offset, uint64_t count, int advice) {
    return -posix_fadvise(descriptor, (off_t)offset, (off_t)count, advice);
}

int clinux_reflink(int from, int to) {
    int result;
    UNINTERRUPTED(result, ioctl(to, FICLONE, from));
    return result;
}

int clinux_reflink_range(int from, uint64_t from_offset, uint64_t count, int to, uint64_t to_offset) {
    struct file_clone_range range = {
        .src_fd = from, .src_offset = from_offset, .src_length = count, .dest_offset = to_offset};
    int result;
    UNINTERRUPTED(result, ioctl(to, FICLONERANGE, &range));
    return result;
}

int64_t clinux_copy_range(int from, uint64_t from_offset, int to, uint64_t to_offset, size_t count) {
    off64_t source = (off64_t)from_offset, target = (off64_t)to_offset;
    int64_t result;
    UNINTERRUPTED(result, copy_file_range(from, &source, to, &target, one_call(count), 0));
    return result;
}

int clinux_lock(int descriptor, int wait) {
    int result;
    UNINTERRUPTED(result, flock(descriptor, LOCK_EX | (wait ? 0 : LOCK_NB)));
    return result;
}

int64_t clinux_list_attributes(int folder, const char *name, void *buffer, size_t capacity) {
    // There is no listxattrat before Linux 6.13: an O_PATH descriptor and its /proc name give the same.
    int descriptor;
    if (*name)
        UNINTERRUPTED(descriptor, openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    else
        UNINTERRUPTED(descriptor, fcntl(folder, F_DUPFD_CLOEXEC, 0));
    if (descriptor < 0) return descriptor;
    struct stat s;
    int64_t result;
    if (fstat(descriptor, &s) == 0 && S_ISLNK(s.st_mode)) {
        result = 0;  // a link carries no user attributes, and its /proc name would lead to what it names
    } else {
        char path[40] = "/proc/self/fd/";
        char digits[12];
        int count = 0, at = 14;
        unsigned number = (unsigned)descriptor;
        do digits[count++] = (char)('0' + number % 10);
        while (number /= 10);
        while (count) path[at++] = digits[--count];
        path[at] = 0;
        UNINTERRUPTED(result, listxattr(path, buffer, capacity));
        if (result == -ENOTSUP) result = 0;
    }
    clinux_close(descriptor);
    return result;
}

int clinux_map(int descriptor, size_t count, void **result) {
    void *address = mmap(NULL, count, PROT_READ, MAP_SHARED, descriptor, 0);
    if (address == MAP_FAILED) return -errno;
    *result = address;
    return 0;
}

int clinux_unmap(void *address, size_t count) { return munmap(address, count) < 0 ? -errno : 0; }

const char *clinux_errno_name(int number) { return strerrorname_np(number); }
const char *clinux_errno_text(int number) { return strerrordesc_np(number); }
