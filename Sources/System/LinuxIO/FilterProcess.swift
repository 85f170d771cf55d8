import CLinux
import Glibc

/// How a program that was run as a filter ended.
package enum FilterOutcome: Hashable, Sendable {
    /// It ended well; what it wrote to standard output.
    case output([UInt8])
    /// It ended with this code, or by a signal (128 and its number).
    case failed(code: Int32)
    /// It wrote more than the limit, and was killed.
    case tooLong
    /// It was not done in time, and was killed.
    case late
}

/// Runs a program with `input` on its standard input and collects its standard output, at most `limit` bytes, within
/// `deadline`. Standard error and the environment are the caller's, so that it can ask a person for something. The
/// calling thread waits. The caller ignores SIGPIPE, see ``ignoreBrokenPipes()``.
///
/// Throws if it cannot be started.
package func runFilter(
    _ command: [String], input: [UInt8], limit: Int, deadline: Duration
) throws(FileError) -> FilterOutcome {
    guard let program = command.first else { preconditionFailure("a filter without a name") }
    let (inputRead, inputWrite) = try makePipe(program)
    defer { close(inputRead) }
    var openInput: Int32? = inputWrite
    defer { if let openInput { close(openInput) } }
    let (outputRead, outputWrite) = try makePipe(program)
    defer { close(outputRead) }
    let started = start(command, input: inputRead, output: outputWrite)
    close(outputWrite)
    guard let pid = started.pid else { throw FileError("start", Array(program.utf8), errno: started.code) }
    // Nobody reads the rest if it ends early.
    _ = fcntl(inputWrite, F_SETFL, O_NONBLOCK)

    let clock = ContinuousClock()
    let end = clock.now + deadline
    var rest = input[...]
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
        if rest.isEmpty, let descriptor = openInput {
            close(descriptor)
            openInput = nil
        }
        let left = (end - clock.now) / Duration.milliseconds(1)
        guard left > 0 else { return kill(pid, as: .late) }
        var watched = [pollfd(fd: outputRead, events: Int16(POLLIN), revents: 0)]
        if let openInput { watched.append(pollfd(fd: openInput, events: Int16(POLLOUT), revents: 0)) }
        guard poll(&watched, nfds_t(watched.count), Int32(min(left.rounded(.up), 1_000_000))) > 0 else { continue }
        if watched.count > 1, watched[1].revents != 0, let descriptor = openInput {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR, errno != EAGAIN {
                // It does not want more.
                rest = []
            }
        }
        guard watched[0].revents != 0 else { continue }
        let count = Glibc.read(outputRead, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        output += buffer[..<count]
        guard output.count <= limit else { return kill(pid, as: .tooLong) }
    }
    // It closed its output; it ends by itself, or by the deadline.
    while true {
        if let code = endCode(of: pid, options: WNOHANG) { return code == 0 ? .output(output) : .failed(code: code) }
        guard clock.now < end else { return kill(pid, as: .late) }
        _ = poll(nil, 0, 2)
    }
}

/// Both ends of a pipe that programs do not inherit.
private func makePipe(_ program: String) throws(FileError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    try checked(clinux_pipe(&ends), "start", Array(program.utf8))
    return (ends[0], ends[1])
}

private func start(_ command: [String], input: Int32, output: Int32) -> (pid: pid_t?, code: Int32) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    // The caller's ignored SIGPIPE and SIGXFSZ would be the program's, too.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    sigaddset(&defaults, SIGXFSZ)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    var pid: pid_t = 0
    let code = withStringVector(command) { vector in
        posix_spawn(&pid, command[0], &actions, &attributes, vector, environ)
    }
    return code == 0 ? (pid, 0) : (nil, code)
}

private func kill(_ pid: pid_t, as outcome: FilterOutcome) -> FilterOutcome {
    Glibc.kill(pid, SIGKILL)
    _ = endCode(of: pid, options: 0)
    return outcome
}

/// The code that the process ended with; nil if it runs on.
func endCode(of pid: pid_t, options: Int32) -> Int32? {
    var status: Int32 = 0
    while true {
        let ended = waitpid(pid, &status, options)
        if ended < 0, errno == EINTR { continue }
        guard ended == pid else { return ended == 0 ? nil : 255 }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
