import Content
import LinuxIO

/// The folder of one session in `staging`, with its journal of renames.
///
/// The journal holds the final names of the group that is being moved into `blobs`: what a crash leaves there without
/// a row is found by it, so recovery costs what was in flight and not what the store holds. It is not synced: after a
/// power cut a lost journal leaves at most one group of unnamed files, which nothing refers to.
final class StagingFolder: Sendable {
    /// Which session of which set it belongs to.
    enum Kind: String {
        case ingest, fetch, verify, adopt
    }

    let folder: Folder
    /// Opened before the session's first write: a failed write-back since then is reported here, and to no other.
    let durability: Folder
    private let journal: OpenFile

    static func name(_ set: String, _ kind: Kind) -> String { "\(set).\(kind.rawValue)" }

    /// Opens the folder, made if it is not there.
    init(_ store: Store, set: String, _ kind: Kind) throws {
        durability = try store.staging.subfolder(".")
        folder = try store.staging.ensureFolder(Self.name(set, kind), mode: 0o700)
        journal = try folder.openOrCreateFile(StoreLayout.journal, mode: 0o600)
    }

    /// Notes the names that are about to appear in `blobs`.
    func writeJournal(_ variants: [BlobVariant]) throws {
        var lines: [UInt8] = []
        lines.reserveCapacity(variants.count * 84)
        for variant in variants {
            lines += variant.name
            lines.append(UInt8(ascii: "\n"))
        }
        try journal.truncate(to: 0)
        try journal.write(lines, at: 0)
    }

    /// The rows of the noted names are durable.
    func clearJournal() throws { try journal.truncate(to: 0) }

    /// The names in the journal of a folder that a dead process left; a torn last line is no name.
    static func journalled(in folder: Folder) throws -> [BlobVariant] {
        guard let file = try folder.openFileIfPresent(StoreLayout.journal) else { return [] }
        let bytes = try file.read(Int(clamping: min(try file.attributes().size, 64 << 20)), at: 0)
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { BlobVariant(name: Array($0)) }
    }
}
