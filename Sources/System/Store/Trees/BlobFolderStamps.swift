import Content
import Database
import LinuxIO
import Synchronization

/// The change times of the 256 folders of `blobs` as this store left them. A folder that shows another time was changed
/// by somebody else; every file in it is looked at then. Kept in memory: after a start all folders are looked at once.
struct BlobFolderStamps {
    /// A folder is the first byte of a digest.
    static let folders = 0..<256

    private var stamps: [FileTime?] = Array(repeating: nil, count: folders.count)

    /// The folders, among those of the variants, that look as this store left them.
    func untouched(_ variants: some Sequence<BlobVariant>, _ blobs: BlobFiles) throws -> Set<Int> {
        var found: Set<Int> = []
        for folder in Set(variants.map { BlobFiles.number($0.digest) }).sorted() {
            if let stamp = stamps[folder], try blobs.changed(folder) == stamp { found.insert(folder) }
        }
        return found
    }

    /// Notes how this store leaves folders that were as it had left them before.
    mutating func note(_ folders: Set<Int>, _ blobs: BlobFiles) throws {
        for folder in folders.sorted() { stamps[folder] = try blobs.changed(folder) }
    }

    /// Whether somebody else may have changed a folder.
    func isTouched(_ folder: Int, _ blobs: BlobFiles) throws -> Bool {
        guard let stamp = stamps[folder] else { return true }
        return try stamp != blobs.changed(folder)
    }
}

extension Store {
    /// Whether the file of every recorded variant is as it should be, as far as the folders' times and, where those
    /// changed, the files' own attributes tell.
    func areBlobFilesUntouched() throws -> Bool {
        try groupLock.withLock { state in
            try BlobFolderStamps.folders.reduce(into: true) { isWhole, folder in
                if try !isUntouched(folder, &state) { isWhole = false }
            }
        }
    }

    /// The folders of blobs, for `lookAtBlobFiles`.
    package static var blobFolders: Range<Int> { BlobFolderStamps.folders }

    /// Looks at the files of one folder of blobs if somebody else may have changed it, beside everything else. So the next
    /// flip need not, which has those of all folders to look at after a start.
    /// - Throws: `FileError`, `DatabaseError` of the disk.
    package func lookAtBlobFiles(in folder: Int) throws {
        // Whatever is wrong with one is found again, and mended, by who needs it whole.
        _ = try groupLock.withLock { try isUntouched(folder, &$0) }
    }

    private func isUntouched(_ folder: Int, _ state: inout GroupState) throws -> Bool {
        guard try state.blobFolders.isTouched(folder, blobs) else { return true }
        // Taken before the look: what changes meanwhile is looked at by the next flip.
        let stamp = try blobs.changed(folder)
        guard try areFilesWhole(in: folder) else { return false }
        if try blobs.changed(folder) == stamp { try state.blobFolders.note([folder], blobs) }
        return true
    }

    /// Looks at the file of every variant whose digest begins with the byte `folder`.
    private func areFilesWhole(in folder: Int) throws -> Bool {
        let first = [UInt8(folder)] + [UInt8](repeating: 0, count: 31)
        let last = [UInt8(folder)] + [UInt8](repeating: 255, count: 31)
        return try database.read { session in
            let rows = try session.rows(
                """
                SELECT digest, size, modified, executable, copy FROM blob JOIN variant ON variant.blob = blob.number
                WHERE digest BETWEEN ? AND ?
                """, [.blob(first), .blob(last)]
            ) { row in
                (
                    BlobVariant(
                        digest: BlobDigest(try row.digest(0, "blob")), modified: try row.integer(2),
                        isExecutable: try row.flag(3), copy: Int(clamping: try row.integer(4))),
                    try row.unsigned(1)
                )
            }
            return try rows.allSatisfy { variant, size in try blobs.fault(variant, size: size) == nil }
        }
    }
}
