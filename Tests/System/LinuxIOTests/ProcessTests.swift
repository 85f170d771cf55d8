import Glibc
import LinuxIO
import Testing

@Suite struct FileLockTests {
    @Test func `A lock is held by one at a time and falls with its last reference`() throws {
        let place = try TemporaryFolder()
        var lock = try FileLock.acquire(in: place.folder, "lock")
        #expect(lock != nil)
        #expect(try FileLock.acquire(in: place.folder, "lock") == nil)
        #expect(try FileLock.holder(in: place.folder, bytes("lock")) == getpid())
        lock = nil
        #expect(try FileLock.acquire(in: place.folder, "lock") != nil)
        _ = lock
    }
}

@Suite struct RunningProcessTests {
    @Test func `This process is alive`() throws {
        let process = try #require(RunningProcess.current)
        #expect(process.pid == getpid())
        #expect(process.isAlive)
        #expect(try process.send(signal: 0))
    }

    @Test func `A recycled number, an earlier boot and no process at all get no signal`() throws {
        let process = try #require(RunningProcess.current)
        let recycled = RunningProcess(pid: process.pid, startTicks: process.startTicks - 1, boot: process.boot)
        let earlier = RunningProcess(pid: process.pid, startTicks: process.startTicks, boot: "another")
        #expect(!recycled.isAlive)
        #expect(!earlier.isAlive)
        // SIGKILL would end the tests if it were sent.
        #expect(try !recycled.send(signal: SIGKILL))
        #expect(try !earlier.send(signal: SIGKILL))
        #expect(RunningProcess(pid: 0) == nil)
        #expect(RunningProcess(pid: -1) == nil)
    }
}

@Suite struct DetachedProcessTests {
    let place: TemporaryFolder

    init() throws { place = try TemporaryFolder() }

    private func output() throws -> String {
        guard let file = try place.folder.openFileIfPresent("log") else { return "" }
        return String(decoding: try file.readAll(limit: 1 << 20), as: UTF8.self)
    }

    @Test func `A detached program has only its three descriptors, its own session and no signal ignored`() throws {
        ignoreBrokenPipes()
        // A descriptor that a careless exec would inherit.
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        let pid = try spawnDetached(
            executable: "/bin/sleep", arguments: ["600"], outputFile: place.path + "/log", workingDirectory: "/")
        let process = try #require(RunningProcess(pid: pid))
        defer { _ = try? process.send(signal: SIGKILL) }
        let descriptors = try Folder.open("/proc/\(pid)/fd")
        // The loader of the program has its libraries open for a moment; what is inherited stays open.
        #expect(try holds { try descriptors.list().map(\.name) == [bytes("0"), bytes("1"), bytes("2")] })
        #expect(try descriptors.readLink("0") == bytes("/dev/null"))
        #expect(try descriptors.readLink("1") == bytes(place.path + "/log"))
        #expect(try descriptors.readLink("2") == bytes(place.path + "/log"))
        #expect(try Folder.open("/proc/\(pid)").readLink("cwd") == bytes("/"))
        let status = String(
            decoding: try OpenFile.open(bytes("/proc/\(pid)/status")).read(65536, at: 0), as: UTF8.self)
        #expect(status.contains("SigIgn:\t0000000000000000"))
        #expect(status.contains("SigBlk:\t0000000000000000"))
        #expect(getsid(pid) != getsid(0))
        #expect(!status.contains("PPid:\t\(getpid())\n"))
    }

    @Test func `A detached program gets its arguments, and an empty input`() throws {
        let script = "echo \"$1\"; read line || echo no input"
        _ = try spawnDetached(
            executable: "/bin/bash", arguments: ["-c", script, "name", "an argument"],
            outputFile: place.path + "/log")
        #expect(try holds { try output() == "an argument\nno input\n" })
    }

    @Test func `A detached program is followed and ended by what it is, not by its number`() throws {
        let pid = try spawnDetached(
            executable: "/bin/sleep", arguments: ["600"], outputFile: place.path + "/log")
        let process = try #require(RunningProcess(pid: pid))
        #expect(process.isAlive)
        #expect(try process.send(signal: SIGTERM))
        #expect(holds { !process.isAlive })
        #expect(try !process.send(signal: SIGTERM))
    }

    @Test func `Output is appended, and an environment may be given`() throws {
        for word in ["one", "two"] {
            _ = try spawnDetached(
                executable: "/bin/bash", arguments: ["-c", "echo $WORD"], outputFile: place.path + "/log",
                environment: ["WORD=\(word)"])
            #expect(try holds { try output().contains(word) })
        }
        #expect(try output() == "one\ntwo\n")
    }

    @Test func `A program that is not there is an error of the caller`() {
        let error = #expect(throws: FileError.self) {
            _ = try spawnDetached(
                executable: "/nonexistent/program", arguments: [], outputFile: place.path + "/log")
        }
        #expect(error?.isNotFound == true)
    }
}

@Suite struct ProcessSettingsTests {
    @Test func `The limit of descriptors rises to the hard limit`() {
        let limit = raiseDescriptorLimit()
        #expect(limit > 0)
        #expect(raiseDescriptorLimit() == limit)
    }

    @Test func `A write into a closed pipe is an error and no signal`() {
        ignoreBrokenPipes()
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        #expect(write(ends[1], "x", 1) == -1)
        #expect(errno == EPIPE)
    }
}
