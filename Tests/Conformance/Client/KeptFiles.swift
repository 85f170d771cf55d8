import LinuxIO

/// Files of one folder, each replaced as a whole.
struct KeptFiles {
    private let folder: Folder

    /// The folder at `path`.
    init(_ path: String) throws {
        folder = try Folder.open(path)
    }

    /// The bytes of a file, at most `limit` and one more; nil if there is none.
    func read(_ name: String, limit: Int) throws -> [UInt8]? {
        guard let file = try folder.openFileIfPresent(name) else { return nil }
        return try file.read(limit + 1, at: 0)
    }

    /// Replaces a file by one rename, after its bytes are durable.
    func store(_ bytes: [UInt8], as name: String) throws {
        let temporary = ".new"
        _ = try folder.unlinkIfPresent(temporary)
        let file = try folder.createFile(temporary)
        try file.write(bytes, at: 0)
        try file.sync()
        try folder.rename(temporary, to: name)
        try folder.sync()
    }

    /// Takes a file away, if it is there.
    func delete(_ name: String) throws {
        if try folder.unlinkIfPresent(name) { try folder.sync() }
    }
}
