import Content
import Glibc
import LinuxIO
import Store
import Testing

/// Disks so small that they fill up. They need root to be mounted; without it these tests say that they were skipped.
@Suite(.enabled(if: SmallDisk.canMount, "mounting a small disk needs root and loop devices")) struct FullDiskTests {
    @Test(
        "A sync that the disk has no room for fails in words, serves what it served, and goes on when there is room",
        arguments: SmallDisk.Kind.allCases)
    func fullAndFreed(_ kind: SmallDisk.Kind) throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        try tree.write("small", Bytes.random(500_000, seed: 1))
        let first = try #require(try fleet.publish(tree, to: origin))
        let disk = try SmallDisk(kind, at: fleet.data("mirror"), bytes: 32 << 20)
        defer { disk.unmount() }
        let mirror = try fleet.store("mirror")
        try fleet.fetch(first, from: origin, to: mirror)
        let before = try TreeSnapshot(served: "pool", in: fleet.data("mirror"))
        // Somebody else fills the disk.
        let folder = try Folder.open(fleet.data("mirror"))
        try fill(folder, mirror, leaving: 6 << 20)
        try tree.write("large", Bytes.random(9_000_000, seed: 2))
        let second = try #require(try fleet.publish(tree, to: origin))
        // Without a reserve the disk itself says no, or the check before it does; both in words.
        for reserve in [UInt64(0), 1 << 20] {
            mirror.leaveFree { _ in reserve }
            let failure = #expect(throws: (any Error).self) { try fleet.fetch(second, from: origin, to: mirror) }
            let text = "\(try #require(failure))"
            #expect(text.contains("free space") && text.contains("short"), "\(text)")
            #expect(try TreeSnapshot(served: "pool", in: fleet.data("mirror")).differences(before) == [])
            #expect(try mirror.head(set: "pool")?.sequence == 1)
        }
        try folder.unlink("ballast")
        try fleet.fetch(second, from: origin, to: mirror)
        try fleet.expectServed("mirror", tree)
        try expectNoLitter(mirror, folder)
    }

    @Test("A disk that fills up in the middle of a sync stops it, and what was there is gone on with")
    func fullInTheMiddle() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        for number in 0..<40 { try tree.write("f\(number)", Bytes.random(300_000, seed: UInt64(number))) }
        let release = try #require(try fleet.publish(tree, to: origin))
        let disk = try SmallDisk(.ext4, at: fleet.data("mirror"), bytes: 48 << 20)
        defer { disk.unmount() }
        let mirror = try fleet.store("mirror")
        let folder = try Folder.open(fleet.data("mirror"))
        let session = try mirror.beginFetch(release)
        let moved = try fleet.fill(session, from: origin, chunkLimit: 5)
        let missing = try #require(moved.needs?.missing)
        try fill(folder, mirror, leaving: 1 << 20)
        let failure = #expect(throws: (any Error).self) {
            for chunk in missing.dropFirst(5) { _ = try fleet.supply([chunk], to: session, from: origin) }
            _ = try session.finish()
        }
        let text = "\(try #require(failure))"
        #expect(text.contains("ENOSPC") || text.contains("disk is full"), "\(text)")
        session.suspend()
        #expect(try mirror.head(set: "pool") == nil)
        try folder.unlink("ballast")
        let again = try fleet.fetch(release, from: origin, to: mirror)
        #expect(again.chunks < missing.count)
        try fleet.expectServed("mirror", tree)
        try expectNoLitter(mirror, folder)
    }

    @Test("A disk without inodes is refused by the number that is short")
    func noInodes() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        for number in 0..<600 { try tree.write("d\(number % 10)/f\(number)", Bytes.random(100, seed: UInt64(number))) }
        let release = try #require(try fleet.publish(tree, to: origin))
        let disk = try SmallDisk(.tmpfs, at: fleet.data("mirror"), bytes: 32 << 20, inodes: 700)
        defer { disk.unmount() }
        let mirror = try fleet.store("mirror")
        let failure = #expect(throws: StoreError.self) { try fleet.fetch(release, from: origin, to: mirror) }
        #expect("\(try #require(failure))".contains("inodes more are needed"))
        #expect(try mirror.head(set: "pool") == nil)
    }

    @Test("A disk that became read-only stops a sync in words, and what was served stays")
    func readOnly() throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let origin = try fleet.store("origin")
        try tree.write("small", Bytes.random(500_000, seed: 1))
        let first = try #require(try fleet.publish(tree, to: origin))
        let disk = try SmallDisk(.tmpfs, at: fleet.data("mirror"), bytes: 32 << 20)
        defer { disk.unmount() }
        let mirror = try fleet.store("mirror")
        try fleet.fetch(first, from: origin, to: mirror)
        let before = try TreeSnapshot(served: "pool", in: fleet.data("mirror"))
        try tree.write("more", Bytes.random(600_000, seed: 2))
        let second = try #require(try fleet.publish(tree, to: origin))
        // Lazily, since the store has files open for writing.
        try disk.remount("ro")
        if disk.isReadOnly {
            let failure = #expect(throws: (any Error).self) { try fleet.fetch(second, from: origin, to: mirror) }
            #expect("\(try #require(failure))".contains("read-only") || "\(failure as Any)".contains("EROFS"))
            #expect(try TreeSnapshot(served: "pool", in: fleet.data("mirror")).differences(before) == [])
            try disk.remount("rw")
        }
        try fleet.fetch(second, from: origin, to: mirror)
        try fleet.expectServed("mirror", tree)
    }

    /// Takes all of the disk but some bytes, in a file that nobody keeps open.
    private func fill(_ data: Folder, _ store: Store, leaving bytes: UInt64) throws {
        let ballast = try data.createFile("ballast", mode: 0o600)
        try ballast.allocate(try store.usage().freeBytes - bytes)
    }

    /// Nothing lies in staging or `blobs` that no row names.
    private func expectNoLitter(_ store: Store, _ data: Folder) throws {
        #expect(try data.subfolder(".store/staging").list().isEmpty)
        #expect(try store.collect(CollectionOptions(findsLitter: true)).litterFiles == 0)
    }
}

/// A small file system mounted for one test.
final class SmallDisk {
    enum Kind: String, CaseIterable, Sendable {
        case tmpfs, ext4
    }

    private let path: String
    private let image: String?

    /// Root, and a kernel that lets it mount.
    static let canMount: Bool = {
        guard geteuid() == 0, let folder = try? TemporaryFolder() else { return false }
        guard let disk = try? SmallDisk(.ext4, at: folder.path + "/probe", bytes: 8 << 20) else { return false }
        disk.unmount()
        return true
    }()

    init(_ kind: Kind, at path: String, bytes: Int, inodes: Int? = nil) throws {
        self.path = path
        mkdir(path, 0o755)
        switch kind {
        case .tmpfs:
            image = nil
            let limit = inodes.map { ",nr_inodes=\($0)" } ?? ""
            try Self.run("mount -t tmpfs -o size=\(bytes)\(limit) none '\(path)'")
        case .ext4:
            let image = path + ".image"
            self.image = image
            try Self.run(
                "truncate -s \(bytes) '\(image)' && mkfs.ext4 -q -m 0 '\(image)' && mount -o loop '\(image)' '\(path)'"
                    + " && rmdir '\(path)/lost+found'")
        }
    }

    func remount(_ option: String) throws { try? Self.run("mount -o remount,\(option) '\(path)'") }

    var isReadOnly: Bool { access(path, W_OK) != 0 }

    func unmount() {
        try? Self.run("umount -l '\(path)'")
        if let image { unlink(image) }
    }

    private static func run(_ command: String) throws {
        var child = pid_t()
        let words = ["/bin/sh", "-c", "exec 2>/dev/null; PATH=$PATH:/sbin:/usr/sbin; \(command)"]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        guard posix_spawn(&child, "/bin/sh", nil, nil, &arguments, environ) == 0 else {
            throw FileError("run", Array(command.utf8), errno: errno)
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        guard status == 0 else { throw FileError("run", Array(command.utf8), errno: EIO) }
    }
}
