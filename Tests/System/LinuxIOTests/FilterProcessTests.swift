import Glibc
import LinuxIO
import Testing

@Suite struct FilterProcessTests {
    @Test func `Much goes in while much comes out`() throws {
        let input = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(
            try runFilter(["/bin/cat"], input: input, limit: input.count, deadline: .seconds(60)) == .output(input))
        #expect(
            try runFilter(["/bin/cat"], input: input, limit: input.count - 1, deadline: .seconds(60)) == .tooLong)
    }

    @Test func `A program that is not done in time is killed, whether it writes or has closed its output`() throws {
        for command in ["exec sleep 100", "exec >&-; exec sleep 100", "while :; do echo; done"] {
            let began = ContinuousClock.now
            let outcome = try runFilter(
                ["/bin/sh", "-c", "exec 0<&-; \(command)"], input: [1], limit: 1 << 30, deadline: .milliseconds(200))
            #expect(outcome == .late, "\(command)")
            #expect(ContinuousClock.now - began < .seconds(30))
        }
    }

    @Test func `How it ended is told, and a pipe that broke ends nothing here`() throws {
        ignoreBrokenPipes()
        let input = [UInt8](repeating: 1, count: 1 << 20)
        #expect(
            try runFilter(["/bin/sh", "-c", "exit 7"], input: input, limit: 9, deadline: .seconds(60))
                == .failed(code: 7))
        #expect(
            try runFilter(["/bin/sh", "-c", "echo yes"], input: input, limit: 9, deadline: .seconds(60))
                == .output(bytes("yes\n")))
        // What this process ignores is not ignored there.
        #expect(
            try runFilter(["/bin/sh", "-c", "kill -PIPE $$; sleep 9"], input: [], limit: 9, deadline: .seconds(60))
                == .failed(code: 128 + SIGPIPE))
        #expect(throws: FileError.self) {
            try runFilter(["/nowhere/program"], input: [], limit: 9, deadline: .seconds(1))
        }
    }
}
