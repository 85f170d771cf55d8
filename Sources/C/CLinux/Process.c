#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int clinux_pid(void) { return getpid(); }

int clinux_ignore_signals(void) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    if (sigaction(SIGPIPE, &ignore, NULL) < 0) return -errno;
    return sigaction(SIGXFSZ, &ignore, NULL) < 0 ? -errno : 0;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int64_t clinux_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return limit.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int clinux_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0; }

void clinux_keep_heap_small(void) {
    // Cannot fail: both are known and in range. A threshold that is set does not move up by itself any more.
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

int clinux_pidfd_open(int pid) {
    long result = syscall(SYS_pidfd_open, pid, 0);
    return result < 0 ? -errno : (int)result;
}

int clinux_pidfd_signal(int pidfd, int signal) {
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

// What the first child tells the caller: the pid, or why there is none.
struct spawn_message {
    int64_t pid_or_error;
};

static void tell(int pipe, int64_t value) {
    struct spawn_message message = {value};
    ssize_t ignored = write(pipe, &message, sizeof message);
    (void)ignored;
}

// All descriptors from 3 on close at exec, so that the error pipe still works until then.
static void close_on_exec_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) == 0) return;
    struct rlimit limit;
    unsigned end = 65536;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end) end = (unsigned)limit.rlim_cur;
    for (unsigned descriptor = first; descriptor < end; descriptor++) fcntl((int)descriptor, F_SETFD, FD_CLOEXEC);
}

static void reset_signals(void) {
    // The kernel's own structure, all zeros: the usual action, no flags, nothing masked. Not glibc's call, which
    // refuses the two signals that it keeps for itself, and leaves them ignored if they were.
    static const uint64_t usual[8];
    for (int signal = 1; signal < 65; signal++) syscall(SYS_rt_sigaction, signal, usual, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Runs in the second child, between fork and exec: only calls that are safe there.
static void become(
    const char *path, char *const *arguments, char *const *environment, int output, const char *folder, int report) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0) goto failed;
    // The report pipe and `output` are 3 or above: the caller made sure.
    if (dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) goto failed;
    if (folder && chdir(folder) < 0) goto failed;
    close_on_exec_from(3);
    reset_signals();
    execve(path, arguments, environment ? environment : environ);
failed:
    tell(report, -errno);
    _exit(127);
}

// A copy of `descriptor` numbered 3 or above, closed on exec.
static int above_standard(int descriptor) { return fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }

int64_t clinux_spawn_detached(
    const char *path, char *const *arguments, char *const *environment, int output, const char *folder) {
    int raw[2], ends[2] = {-1, -1};
    if (pipe2(raw, O_CLOEXEC) < 0) return -errno;
    ends[0] = above_standard(raw[0]);
    ends[1] = above_standard(raw[1]);
    int log = above_standard(output);
    int error = ends[0] < 0 || ends[1] < 0 || log < 0 ? errno : 0;
    close(raw[0]);
    close(raw[1]);
    pid_t first = error ? -1 : fork();
    if (!error && first < 0) error = errno;
    if (first == 0) {
        // Its own session, and a second child that can never take a terminal and is nobody's zombie.
        if (setsid() < 0) {
            tell(ends[1], -errno);
            _exit(1);
        }
        pid_t second = fork();
        if (second < 0) tell(ends[1], -errno);
        if (second == 0) become(path, arguments, environment, log, folder, ends[1]);
        if (second > 0) tell(ends[1], second);
        _exit(second < 0);
    }
    if (ends[1] >= 0) close(ends[1]);
    if (log >= 0) close(log);
    int64_t pid = 0, failure = error ? -error : 0;
    if (first > 0) {
        // The pipe ends when exec closed its last copy; a negative message is why a step failed.
        struct spawn_message message;
        for (;;) {
            ssize_t count = read(ends[0], &message, sizeof message);
            if (count < 0 && errno == EINTR) continue;
            if (count != (ssize_t)sizeof message) break;
            if (message.pid_or_error < 0)
                failure = message.pid_or_error;
            else
                pid = message.pid_or_error;
        }
        while (waitpid(first, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (ends[0] >= 0) close(ends[0]);
    return failure ? failure : pid > 0 ? pid : -ECHILD;
}
