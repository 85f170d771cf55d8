import CLinux
import Glibc

/// How a hook ended, and what it said.
package struct HookEnd: Hashable, Sendable {
    /// Its code, or 128 and the number of the signal that ended it; nil: it was not done in time, and was killed with all
    /// that it had started.
    package let code: Int32?
    /// Standard output and errors together, the first bytes up to the limit.
    package let output: [UInt8]
}

/// Runs a program of the host's operator: with `environment` alone, in a process group of its own, with empty standard
/// input. What it writes beyond `limit` bytes is dropped. It is done when it and all that hold its output have ended, or
/// at the `deadline`, which kills the group. The calling thread waits.
///
/// Throws if it cannot be started.
package func runHook(
    _ path: String, environment: [String], limit: Int, deadline: Duration
) throws(FileError) -> HookEnd {
    var ends: [Int32] = [0, 0]
    try checked(clinux_pipe(&ends), "start", Array(path.utf8))
    let (reading, writing) = (ends[0], ends[1])
    defer { close(reading) }
    let started = start(path, environment, output: writing)
    close(writing)
    guard let pid = started.pid else { throw FileError("start", Array(path.utf8), errno: started.code) }

    let clock = ContinuousClock()
    let end = clock.now + deadline
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4 << 10)
    while true {
        let left = (end - clock.now) / Duration.milliseconds(1)
        guard left > 0 else { return killed(pid, output) }
        var watched = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, Int32(min(left.rounded(.up), 1_000_000))) > 0 else { continue }
        let count = read(reading, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        output += buffer[..<count].prefix(max(0, limit - output.count))
    }
    while true {
        if let code = endCode(of: pid, options: WNOHANG) { return HookEnd(code: code, output: output) }
        guard clock.now < end else { return killed(pid, output) }
        _ = poll(nil, 0, 2)
    }
}

private func killed(_ pid: pid_t, _ output: [UInt8]) -> HookEnd {
    // The group: what a shell had started must not go on without it.
    kill(-pid, SIGKILL)
    _ = endCode(of: pid, options: 0)
    return HookEnd(code: nil, output: output)
}

private func start(_ path: String, _ environment: [String], output: Int32) -> (pid: pid_t?, code: Int32) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigemptyset(&defaults)
    // What this process ignores would be ignored there, too.
    for signal in [SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGHUP] { sigaddset(&defaults, signal) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    var nothing = sigset_t()
    sigemptyset(&nothing)
    posix_spawnattr_setsigmask(&attributes, &nothing)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    var pid: pid_t = 0
    let code = withStringVector([path]) { arguments in
        withStringVector(environment) { posix_spawn(&pid, path, &actions, &attributes, arguments, $0) }
    }
    return code == 0 ? (pid, 0) : (nil, code)
}
