import CLinux
import Glibc
import LinuxIO
import Testing

@Suite struct FolderTests {
    let place: TemporaryFolder
    var folder: Folder { place.folder }

    init() throws { place = try TemporaryFolder() }

    @Test func `A new file has exactly the mode asked for, whatever the umask`() throws {
        let old = umask(0o077)
        defer { umask(old) }
        _ = try folder.createFile("a", mode: 0o755)
        try folder.makeFolder("d", mode: 0o755)
        #expect(try folder.stat("a")?.permissions == 0o755)
        #expect(try folder.stat("d")?.permissions == 0o755)
        #expect(try folder.stat("d")?.type == .directory)
    }

    @Test func `Creating a name that is taken fails and leaves it alone`() throws {
        try folder.createFile("a").write(bytes("old"), at: 0)
        let error = #expect(throws: FileError.self) { _ = try folder.createFile("a") }
        #expect(error?.isAlreadyThere == true)
        #expect(try folder.openFile("a").readAll(limit: 10) == bytes("old"))
        #expect(try folder.openOrCreateFile("a").readAll(limit: 10) == bytes("old"))
    }

    @Test func `No operation follows a symbolic link, in the middle or at the end`() throws {
        try folder.makeFolder("real").createFile("file").write(bytes("x"), at: 0)
        try folder.makeSymlink("real", at: "link")
        try folder.makeSymlink("real/file", at: "end")
        try folder.makeSymlink("/etc", at: "out")
        for path in ["link/file", "end", "out/passwd", "out"] {
            let error = #expect(throws: FileError.self, "\(path)") { _ = try folder.openFile(path) }
            #expect(error?.isSymbolicLink == true, "\(path)")
        }
        for path in ["link", "out"] {
            #expect(throws: FileError.self, "\(path)") { _ = try folder.subfolder(path) }
        }
        #expect(throws: FileError.self) { _ = try folder.stat("link/file") }
        #expect(throws: FileError.self) { try folder.unlink("link/file") }
        #expect(throws: FileError.self) { try folder.rename("link/file", to: "moved") }
        #expect(throws: FileError.self) { _ = try folder.createFile("out/new") }
        #expect(try folder.stat("real/file")?.size == 1)
        #expect(try folder.stat("end")?.type == .symlink)
        #expect(try folder.readLink("end") == bytes("real/file"))
    }

    @Test(arguments: ["", "/etc/passwd", "..", "../x", "a/..", "a/../b", "a/b/../../..", "a\0b", "a/"])
    func `A path that is empty, absolute, leads up or holds NUL is refused`(path: String) throws {
        try folder.makeFolder("a").makeFolder("b")
        #expect(throws: FileError.self) { _ = try folder.createFile(path) }
        #expect(throws: FileError.self) { try folder.unlink(path) }
        #expect(throws: FileError.self) { try folder.makeSymlink("x", at: path) }
        #expect(try folder.list().map(\.name) == [bytes("a")])
    }

    @Test func `Names that only look like parents are names`() throws {
        for name in ["...", "..a", "a..", ".a", "a/..b"] {
            if name.contains("/") { _ = try folder.ensureFolder("a") }
            _ = try folder.createFile(name)
            #expect(try folder.stat(name) != nil)
        }
    }

    @Test func `The walk of old kernels says the same as openat2`() throws {
        try folder.makeFolder("d").makeFolder("e").createFile("f").write(bytes("x"), at: 0)
        try folder.makeSymlink("d", at: "l")
        try folder.makeSymlink("d/e/f", at: "lf")
        try folder.makeSymlink("../..", at: "d/up")
        let paths = [
            "d", "d/e", "d/e/f", "d//e/f", "d/e/", "l", "l/e", "lf", "d/up", "d/up/x", "none", "none/x", "d/e/f/g",
            "/etc", "..", "d/../../x", ".", "./d", String(repeating: "x", count: 256), "",
        ]
        for path in paths {
            for flags in [O_RDONLY | O_NOFOLLOW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, O_RDWR | O_CREAT | O_EXCL] {
                // Creating would leave something for the second of the two.
                if flags & O_CREAT != 0 && !["d/e/f", "l", "lf", "l/e", "none/x", ".."].contains(path) { continue }
                let first = clinux_open_beneath(folder.descriptor, path, flags, 0o600, 0)
                let second = clinux_open_walk(folder.descriptor, path, flags, 0o600, 0)
                defer { for descriptor in [first, second] where descriptor >= 0 { close(descriptor) } }
                #expect(first >= 0 ? second >= 0 : first == second, "\(path) \(flags): \(first) \(second)")
            }
        }
    }

    @Test func `A rename replaces, refuses or exchanges as asked`() throws {
        try folder.createFile("a").write(bytes("A"), at: 0)
        try folder.createFile("b").write(bytes("B"), at: 0)
        let error = #expect(throws: FileError.self) { try folder.rename("a", to: "b", .noReplace) }
        #expect(error?.isAlreadyThere == true)
        try folder.rename("a", to: "b", .exchange)
        #expect(try folder.openFile("a").readAll(limit: 9) == bytes("B"))
        try folder.rename("a", to: "b")
        #expect(try folder.stat("a") == nil)
        #expect(try folder.openFile("b").readAll(limit: 9) == bytes("B"))
        let other = try folder.makeFolder("d")
        try folder.rename("b", in: other, to: "c")
        #expect(try folder.stat("d/c")?.size == 1)
    }

    @Test func `A link shares the inode and is counted`() throws {
        try folder.createFile("a").write(bytes("A"), at: 0)
        try folder.makeFolder("d")
        try folder.link("a", to: "d/b")
        let (a, b) = (try folder.stat("a"), try folder.stat("d/b"))
        #expect(a?.inode == b?.inode)
        #expect(a?.links == 2)
        let error = #expect(throws: FileError.self) { try folder.link("a", to: "d/b") }
        #expect(error?.isAlreadyThere == true)
    }

    @Test func `A symbolic link is replaced in one step, also after a crash left the temporary name`() throws {
        try folder.makeSymlink("one", at: "current")
        try folder.makeSymlink("garbage", at: ".next")
        try folder.replaceSymlink(bytes("two"), at: bytes("current"), by: bytes(".next"))
        #expect(try folder.readLink("current") == bytes("two"))
        #expect(try folder.stat(".next") == nil)
    }

    @Test func `A listing has every name once, raw and in the order of its bytes`() throws {
        var names: [[UInt8]] = (0..<5000).map { bytes("entry-\($0)-" + String(repeating: "x", count: $0 % 60)) }
        names += [
            [0xff, 0xfe], bytes("a\nb"), bytes("\u{e9}"), bytes("e\u{301}"), [0x1b, 0x5b], bytes("A"), bytes("a"),
        ]
        for name in names { _ = try folder.createFile(name) }
        let listed = try folder.list()
        #expect(listed.map(\.name) == names.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(listed.allSatisfy { $0.type == .regular || $0.type == .unknown })
        let raw = try folder.listing()
        #expect(raw.count == names.count)
        #expect(Set((0..<raw.count).map { raw.name(at: $0) }) == Set(names))
    }

    @Test func `Removing a tree removes links and never what they point to`() throws {
        let outside = try TemporaryFolder()
        _ = try outside.folder.createFile("precious")
        try folder.makeFolder("t").makeFolder("u", mode: 0o755).createFile("f").write(bytes("x"), at: 0)
        try folder.makeSymlink(outside.path, at: "t/link")
        try folder.removeTree("t")
        #expect(try folder.list().isEmpty)
        #expect(try outside.folder.stat("precious") != nil)
        try folder.removeTree("never was there")
    }

    @Test func `Times before 1970 and of links are set and read`() throws {
        _ = try folder.createFile("a")
        try folder.makeSymlink("a", at: "l")
        try folder.setModified(bytes("a"), FileTime(seconds: -86400))
        try folder.setModified(bytes("l"), FileTime(seconds: 1_600_000_000, nanoseconds: 5))
        #expect(try folder.stat("a")?.modified == FileTime(seconds: -86400))
        #expect(try folder.stat("l")?.modified == FileTime(seconds: 1_600_000_000, nanoseconds: 5))
    }

    @Test func `The proof of links passes here, leaves nothing, and clears what a killed one left`() throws {
        let target = try folder.makeFolder("target")
        _ = try folder.createFile(".prove-source")
        try target.makeSymlink("x", at: ".prove-symlink")
        try folder.proveLinks(into: target)
        #expect(try folder.list().map(\.name) == [bytes("target")])
        #expect(try target.list().isEmpty)
    }

    @Test func `The proof of links fails across file systems with the reason`() throws {
        guard let other = try? Folder.open("/dev/shm"), try other.attributes().device != folder.attributes().device
        else { return }
        let error = #expect(throws: FileError.self) { try folder.proveLinks(into: other) }
        #expect(error?.isCrossDevice == true)
        #expect(try folder.list().isEmpty)
    }

    @Test func `An unnamed file gets a name only when it is given one`() throws {
        let file = try folder.createUnnamedFile(mode: 0o640)
        try file.write(bytes("whole"), at: 0)
        #expect(try folder.list().isEmpty)
        try file.link(into: folder, name: bytes("named"))
        #expect(try folder.openFile("named").readAll(limit: 9) == bytes("whole"))
        #expect(try folder.stat("named")?.permissions == 0o640)
    }

    @Test func `Syncs of a folder and its file system work`() throws {
        _ = try folder.createFile("a")
        try folder.sync()
        try folder.syncFileSystem()
    }
}
