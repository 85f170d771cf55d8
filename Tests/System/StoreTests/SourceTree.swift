import Glibc
import Hashing
import LinuxIO
import Store
import TestSupport

/// A source tree made by a test.
struct SourceTree {
    let path: String
    let folder: Folder

    /// Old enough to be believed by every rule about recent times.
    static let then: Int64 = 1_600_000_000

    init(in parent: TemporaryFolder, _ name: String = "source") throws {
        path = "\(parent.path)/\(name)"
        folder = try parent.folder.ensureFolder(name)
    }

    func write(
        _ path: String, _ bytes: [UInt8], isExecutable: Bool = false, modified: Int64 = then
    ) throws {
        try write(Array(path.utf8), bytes, isExecutable: isExecutable, modified: modified)
    }

    /// Writes a file as a new inode, with the folders above it.
    func write(_ path: [UInt8], _ bytes: [UInt8], isExecutable: Bool = false, modified: Int64 = then) throws {
        if let slash = path.lastIndex(of: UInt8(ascii: "/")) { try makeFolders(Array(path[..<slash])) }
        try folder.unlinkIfPresent(path)
        let file = try folder.createFile(path, mode: isExecutable ? 0o755 : 0o644)
        try file.write(bytes, at: 0)
        try file.setModified(FileTime(seconds: modified))
    }

    func makeFolders(_ path: [UInt8]) throws {
        var end = 0
        while end <= path.count {
            end = path[end...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            _ = try folder.ensureFolder(Array(path[..<end]), mode: 0o755)
            end += 1
        }
    }

    func link(_ path: String, to target: String, modified: Int64 = then) throws {
        try folder.makeSymlink(target, at: path)
        try folder.setModified(Array(path.utf8), FileTime(seconds: modified))
    }

    /// A tree with everything that a release can hold. Folders get their times last.
    func fill(seed: UInt64 = 1) throws {
        try write("README", Array("hello\n".utf8))
        try write("empty", [])
        try write("bin/run", Array("#!/bin/sh\n".utf8), isExecutable: true, modified: 1_500_000_000)
        try write("a-b", Array("between a and a/c\n".utf8))
        try write("a/c", Array("below a\n".utf8))
        try write("a.d/x", Array("sorted before a/c\n".utf8))
        try write("large.iso", Bytes.random(3_000_000, seed: seed))
        try write("very/large.img", Bytes.random(20_000_000, seed: seed &+ 1))
        try write("same-1", Array("same bytes\n".utf8), modified: 1_000)
        try write("same-2", Array("same bytes\n".utf8), modified: 2_000)
        try write("same-3", Array("same bytes\n".utf8), isExecutable: true, modified: 2_000)
        try write("before-1970", [1], modified: -5)
        try write([0xff, 0xfe, UInt8(ascii: "\n")], [2])
        try write("caf\u{e9}", [3])
        try write("cafe\u{301}", [4])
        try makeFolders(Array("hollow/inner".utf8))
        try link("link", to: "bin/run", modified: 1_234_567_890)
        try link("dangling", to: "nowhere")
        try setFolderTimes()
    }

    func setFolderTimes(_ modified: Int64 = 1_400_000_000) throws {
        for path in try TreeSnapshot(folder).entries.filter({ $0.value.type == .directory }).keys {
            try folder.setModified(path, FileTime(seconds: modified))
        }
    }
}

/// Bytes for tests.
enum Bytes {
    /// Pseudo-random ones (SplitMix64), the same for the same seed.
    static func random(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SplitMix64(seed: seed)
        return random.bytes(count)
    }
}

/// What a tree shows: names, types, exec bits, times, bytes, targets.
struct TreeSnapshot: Equatable {
    struct Entry: Equatable {
        let type: FileType
        let isExecutable: Bool
        let modified: Int64
        let size: UInt64
        let digest: BLAKE3Digest?
        let target: [UInt8]
    }

    var entries: [[UInt8]: Entry] = [:]

    init(_ folder: Folder) throws { try add(folder, []) }

    /// Of the tree that the link `name` in `data` shows.
    init(served name: String, in data: String) throws {
        let top = try Folder.open(data)
        try self.init(top.subfolder(top.readLink(name)))
    }

    private mutating func add(_ folder: Folder, _ prefix: [UInt8]) throws {
        for entry in try folder.list() {
            guard let found = try folder.stat(entry.name) else { continue }
            let path = prefix + entry.name
            entries[path] = Entry(
                type: found.type, isExecutable: found.type == .regular && found.isExecutable,
                modified: found.modified.seconds, size: found.type == .regular ? found.size : 0,
                digest: found.type == .regular
                    ? BLAKE3.hash(try folder.openFile(entry.name).readAll(limit: 1 << 30)) : nil,
                target: found.type == .symlink ? try folder.readLink(entry.name) : [])
            if found.type == .directory {
                try add(folder.subfolder(entry.name), path + [UInt8(ascii: "/")])
            }
        }
    }

    /// Paths that differ, as text: for the message of a failed test.
    func differences(_ other: TreeSnapshot) -> [String] {
        Set(entries.keys).union(other.entries.keys).filter { entries[$0] != other.entries[$0] }
            .map { String(decoding: $0, as: UTF8.self) }.sorted()
    }
}
