import Content
import Hashing
import LinuxIO
import Trust

/// The documents of releases as files, `.store/releases/SET/SEQUENCE`: what a lost database is made again from.
///
/// A file is written before the release's row, and goes with the release's tree. It holds one line with the further
/// digests that the manifest's entries have, as `sha256 sha512`, and then the document, byte for byte.
struct ReleaseFiles {
    /// What one file says. Nothing of it is trusted: the document is verified by whoever takes it.
    struct Content {
        let document: [UInt8]
        let furtherDigests: [HashAlgorithm]
    }

    /// The folder `.store/releases`.
    private let top: Folder

    init(in store: Folder) throws {
        top = try store.ensureFolder(StoreLayout.releasesOfStore, mode: 0o700)
    }

    /// Writes a release's file; durable when it returns.
    func write(_ document: [UInt8], set: String, sequence: UInt64, furtherDigests: [HashAlgorithm]) throws {
        let isNew = try top.stat(set) == nil
        let folder = try top.ensureFolder(set, mode: 0o700)
        if isNew { try top.sync() }
        let new = "\(sequence)\(StoreLayout.partialSuffix)"
        try folder.unlinkIfPresent(new)
        let file = try folder.createFile(new, mode: 0o600)
        let line = furtherDigests.map(\.name).joined(separator: " ")
        try file.write(Array("\(line)\n".utf8) + document, at: 0)
        try file.sync()
        try folder.rename(new, to: "\(sequence)")
        try folder.sync()
    }

    /// Whether a release has its file.
    func holds(set: String, sequence: UInt64) throws -> Bool { try top.stat("\(set)/\(sequence)") != nil }

    /// Removes a release's file, if it is there. Not synced: one that comes back is of a release without a tree.
    func remove(set: String, sequence: UInt64) throws {
        guard let folder = try top.subfolderIfPresent(set) else { return }
        try folder.unlinkIfPresent("\(sequence)")
    }

    /// The sets that have a file, sorted.
    func sets() throws -> [String] {
        try top.list().filter { $0.type == .directory }.map { String(decoding: $0.name, as: UTF8.self) }
            .filter { PlainName.accepts($0) }
    }

    /// The sequences of a set's files, ascending.
    func sequences(of set: String) throws -> [UInt64] {
        guard let folder = try top.subfolderIfPresent(set) else { return [] }
        return try folder.list().compactMap { UInt64(String(decoding: $0.name, as: UTF8.self)) }.sorted()
    }

    /// What a file says; nil if there is none, or it is none that this program writes.
    func read(set: String, sequence: UInt64) throws -> Content? {
        guard let folder = try top.subfolderIfPresent(set), let file = try folder.openFileIfPresent("\(sequence)")
        else {
            return nil
        }
        let bytes = try file.read(ReleaseDocument.maximumByteCount + 256, at: 0)
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let names = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ").map(String.init)
        let algorithms = names.compactMap { HashAlgorithm(name: $0) }
        guard algorithms.count == names.count else { return nil }
        return Content(document: Array(bytes[(end + 1)...]), furtherDigests: algorithms)
    }
}
