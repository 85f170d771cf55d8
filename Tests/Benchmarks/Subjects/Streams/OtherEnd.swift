import Glibc

/// Where the end of a benchmark is that answers: in this process, or a program of its own, as hosts are.
package struct OtherEnd: Sendable {
    /// The command that serves, up to its option `--serve`, e.g. `ip netns exec x fleet-bench stoq`; nil: this process.
    package var command: [String]?
    /// The address at which it listens.
    package var address: String

    package init(command: [String]? = nil, address: String = "127.0.0.1") {
        self.command = command
        self.address = address
    }
}

/// What answers while a benchmark runs.
package struct BenchmarkServer: Sendable {
    /// Where it listens, in an order that the subject knows.
    package let ports: [Int]
    /// Ends it.
    package let stop: @Sendable () async -> Void

    package init(ports: [Int], stop: @escaping @Sendable () async -> Void) {
        self.ports = ports
        self.stop = stop
    }
}

/// A program that serves until its standard input ends, and prints its ports when it listens.
struct ServingProcess {
    let pid: pid_t
    let ports: [Int]
    private let input: Int32

    /// Why a program does not serve.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts `command` and waits until it listens.
    init(_ command: [String]) throws {
        let (inputRead, inputWrite) = try Self.makePipe()
        let (outputRead, outputWrite) = try Self.makePipe()
        defer { close(outputRead) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, inputRead, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, outputWrite, STDOUT_FILENO)
        var words = command.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, command[0], &actions, nil, &words, environ)
        close(inputRead)
        close(outputWrite)
        guard code == 0 else {
            close(inputWrite)
            throw Failure(description: "\(command[0]): \(String(cString: strerror(code)))")
        }
        let line = Self.firstLine(of: outputRead)
        ports = line.split(separator: " ").compactMap { Int($0) }
        self.pid = pid
        input = inputWrite
        guard !ports.isEmpty else {
            stop()
            throw Failure(description: "\(command.joined(separator: " ")) does not listen")
        }
    }

    /// Ends it, and waits for that.
    func stop() {
        close(input)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    private static func firstLine(of descriptor: Int32) -> String {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1, byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// Both ends of a pipe that programs do not inherit.
    private static func makePipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(description: String(cString: strerror(errno))) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}

/// The CPU time of all threads of the processes of both ends.
struct ProcessesClock {
    private var clocks: [clockid_t] = [CLOCK_PROCESS_CPUTIME_ID]

    /// The clock of this process and of another one, if there is one.
    init(and other: pid_t?) {
        var clock: clockid_t = 0
        if let other, clock_getcpuclockid(other, &clock) == 0 { clocks.append(clock) }
    }

    /// Seconds since some moment.
    var now: Double {
        clocks.reduce(0) { sum, clock in
            var time = timespec()
            clock_gettime(clock, &time)
            return sum + Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
    }
}
