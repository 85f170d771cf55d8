package import LinuxIO
package import Trust
import UpdateFramework

/// A folder of TUF metadata as any repository with consistent snapshots has it: `N.ROLE.json`, and `timestamp.json`.
package struct MetadataFolder: Sendable {
    private static let suffix = ".json"

    private let folder: Folder

    /// The folder itself, which is there.
    package init(_ folder: Folder) {
        self.folder = folder
    }

    /// Opens the folder at `path`. Throws `FileError`.
    package init(path: String) throws(FileError) {
        folder = try Folder.open(path)
    }

    /// Every root, and the newest document of each other role. Files of other names are let be; nothing is verified.
    /// Throws `FileError`.
    package func read() throws(FileError) -> RepositoryDocuments {
        var documents = RepositoryDocuments()
        var versions: [RoleName: Int64] = [:]
        for name in try folder.list().map(\.name) {
            guard let (version, role) = Self.parse(name) else { continue }
            if role != .root, version <= versions[role] ?? -1 { continue }
            let bytes = try folder.openFile(name).readAll(limit: MetadataLimits.byteCount(of: role))
            if role == .root {
                documents.roots[version] = bytes
            } else {
                versions[role] = version
                documents.documents[role] = bytes
            }
        }
        return documents
    }

    /// Writes documents beside those that are there, each durable when it returns, `timestamp.json` last: whoever reads
    /// meanwhile finds the old ones or the new ones. Throws `FileError`.
    package func write(_ documents: RepositoryDocuments, versions: MetadataVersions) throws(FileError) {
        for (version, bytes) in documents.roots.sorted(by: { $0.key < $1.key }) {
            try write(bytes, to: MetadataRequest(role: .root, version: version, byteLimit: 0).fileName)
        }
        let others = documents.documents.sorted { $0.key < $1.key }
        for (role, bytes) in others where role != .timestamp {
            try write(bytes, to: MetadataRequest(role: role, version: versions[role], byteLimit: 0).fileName)
        }
        if let bytes = documents.documents[.timestamp] { try write(bytes, to: RoleName.timestamp.fileName) }
    }

    private func write(_ bytes: [UInt8], to name: String) throws(FileError) {
        if let file = try folder.openFileIfPresent(name), try file.readAll(limit: bytes.count + 1) == bytes { return }
        try folder.writeDurably(bytes, to: name, through: ".\(name).new", mode: 0o644)
    }

    /// Version and role of a file's name; the timestamp has version 0.
    private static func parse(_ name: [UInt8]) -> (version: Int64, role: RoleName)? {
        guard name.count > suffix.utf8.count, name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else {
            return nil
        }
        let stem = name.dropLast(suffix.utf8.count)
        if stem.elementsEqual(RoleName.timestamp.bytes) { return (0, .timestamp) }
        guard let dot = stem.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        let digits = String(decoding: stem[..<dot], as: UTF8.self)
        guard let version = Int64(digits), version > 0, "\(version)" == digits,
            let role = RoleName(Array(stem[(dot + 1)...])), role != .timestamp
        else { return nil }
        return (version, role)
    }
}
