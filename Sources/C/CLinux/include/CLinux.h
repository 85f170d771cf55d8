// System calls that Swift's Glibc module cannot reach (variadic, newer than its headers, or behind macros),
// each as a plain function.
//
// Every function returns a value >= 0 on success and -errno on failure, so that no caller reads a thread's errno
// after the fact. Every function that may be interrupted by a signal (EINTR) goes on until it is done.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>

/// What statx(2) says of one file, in fixed-width fields.
typedef struct clinux_attributes {
    uint64_t size;
    uint64_t allocated_bytes;
    uint64_t inode;
    uint64_t device;
    int64_t modified_seconds;
    int64_t changed_seconds;
    uint32_t modified_nanoseconds;
    uint32_t changed_nanoseconds;
    uint32_t mode;
    uint32_t links;
    uint32_t user;
    uint32_t group;
} clinux_attributes;

/// What statfs(2) says of one file system.
typedef struct clinux_disk_usage {
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t available_bytes;
    uint64_t total_inodes;
    uint64_t free_inodes;
    uint64_t type;
} clinux_disk_usage;

enum {
    CLINUX_NO_CROSS_DEVICE = 1,
    CLINUX_RENAME_NO_REPLACE = 1,
    CLINUX_RENAME_EXCHANGE = 2,
};

// Values of <fcntl.h> that depend on feature macros.
int clinux_o_path(void);
int clinux_o_direct(void);
int clinux_o_tmpfile(void);
int clinux_o_noatime(void);

/// Opens `path` relative to `folder`; never leaves it, never follows a symbolic link (openat2).
/// Where the kernel has no openat2 it does what clinux_open_walk does.
int clinux_open_beneath(int folder, const char *path, int flags, uint32_t mode, int options);
/// The same by walking component by component with O_NOFOLLOW.
int clinux_open_walk(int folder, const char *path, int flags, uint32_t mode, int options);
/// open(2) of a path as it is, links followed: only for paths that the operator gave.
int clinux_open(const char *path, int flags, uint32_t mode);
int clinux_close(int descriptor);

/// statx of `name` relative to `folder`, a last link not followed; an empty name means `folder` itself.
int clinux_stat(int folder, const char *name, clinux_attributes *result);
int clinux_disk(int descriptor, clinux_disk_usage *result);

int clinux_mkdir(int folder, const char *name, uint32_t mode);
int clinux_unlink(int folder, const char *name, int is_folder);
int clinux_link(int from_folder, const char *from, int to_folder, const char *to);
/// Gives the file behind an open descriptor (also one of O_TMPFILE) a name.
int clinux_link_descriptor(int descriptor, int to_folder, const char *to);
int clinux_rename(int from_folder, const char *from, int to_folder, const char *to, uint32_t flags);
int clinux_symlink(const char *target, int folder, const char *name);
/// Length of the target, which is not terminated.
int64_t clinux_readlink(int folder, const char *name, void *buffer, size_t capacity);
/// Sets the modification time, and the access time to the same, of `name`, a last link not followed.
int clinux_set_times(int folder, const char *name, int64_t seconds, uint32_t nanoseconds);
/// Fills `buffer` with linux_dirent64 records; bytes filled, 0 at the end.
int64_t clinux_getdents(int descriptor, void *buffer, size_t capacity);

/// Reads until `count` bytes or the end of the file; bytes read.
int64_t clinux_read_all(int descriptor, void *buffer, size_t count, uint64_t offset);
/// Writes all `count` bytes.
int64_t clinux_write_all(int descriptor, const void *buffer, size_t count, uint64_t offset);
/// Appends all `count` bytes at the file position.
int64_t clinux_append_all(int descriptor, const void *buffer, size_t count);
int clinux_allocate(int descriptor, uint64_t offset, uint64_t count, int keep_size);
int clinux_truncate(int descriptor, uint64_t size);
int clinux_fsync(int descriptor);
int clinux_fdatasync(int descriptor);
int clinux_syncfs(int descriptor);
/// Starts write-back of a range and does not wait (sync_file_range).
int clinux_start_writeback(int descriptor, uint64_t offset, uint64_t count);
int clinux_set_descriptor_times(int descriptor, int64_t seconds, uint32_t nanoseconds);
int clinux_chmod(int descriptor, uint32_t mode);
/// Changes the mode only if it is another: to look costs a tenth of a change, which is an entry in a journal.
int clinux_ensure_mode(int descriptor, uint32_t mode);
int clinux_advise(int descriptor, uint64_t offset, uint64_t count, int advice);
/// FICLONE: `to` shares all blocks of `from`.
int clinux_reflink(int from, int to);
/// FICLONERANGE: `to` shares the blocks of a part of `from`; offsets and count are multiples of a block, count is not 0.
int clinux_reflink_range(int from, uint64_t from_offset, uint64_t count, int to, uint64_t to_offset);
/// One copy_file_range call; bytes copied, 0 at the end of `from`.
int64_t clinux_copy_range(int from, uint64_t from_offset, int to, uint64_t to_offset, size_t count);
int clinux_lock(int descriptor, int wait);
/// Names of extended attributes, each terminated; bytes filled (or needed, with capacity 0).
int64_t clinux_list_attributes(int folder, const char *name, void *buffer, size_t capacity);
/// A private or shared read-only mapping; 0 or -errno.
int clinux_map(int descriptor, size_t count, void **result);
int clinux_unmap(void *address, size_t count);

/// "ENOSPC" for 28, NULL for an unknown number.
const char *clinux_errno_name(int number);
/// Text for an errno, in the C locale.
const char *clinux_errno_text(int number);

int clinux_ignore_signals(void);
/// Raises the soft limit of descriptors to the hard one; the limit in force.
int64_t clinux_raise_descriptor_limit(void);
int clinux_forbid_dumps(void);
/// glibc's allocator: two arenas, and buffers from 256 KiB on straight from the kernel and back to it.
void clinux_keep_heap_small(void);

/// Starts `path` in a new session, its parent process 1 (or the nearest subreaper): standard input /dev/null,
/// output and errors `output`, no other descriptor of the caller, no signal blocked or ignored; the pid.
/// `folder` may be NULL; `environment` NULL means the caller's.
int64_t clinux_spawn_detached(
    const char *path, char *const *arguments, char *const *environment, int output, const char *folder);
/// A pipe whose ends no program inherits: reading end, writing end.
int clinux_pipe(int ends[2]);
/// pidfd_open, or -ENOSYS.
int clinux_pidfd_open(int pid);
/// Sends a signal through a pidfd; 0 or -errno.
int clinux_pidfd_signal(int pidfd, int signal);
int clinux_pid(void);

#endif
