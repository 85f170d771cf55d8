import Content
import Database
import Glibc
package import Hashing
package import LinuxIO
import Synchronization

/// Makes further inodes of held blobs: the same bytes with another time or mode, or another inode when one has no room
/// for more links. A reflink where the file system can, else a copy; always hashed, so that rot does not spread.
struct VariantMaker {
    let store: Store
    let set: String
    let staging: StagingFolder
    private var group: [StagedBlob] = []
    private var groupBytes: UInt64 = 0

    init(store: Store, set: String, staging: StagingFolder) {
        self.store = store
        self.set = set
        self.staging = staging
    }

    /// Stages a variant; it is durable and recorded after `finish`. Throws `notFound` if no inode of the blob is left.
    mutating func make(_ variant: BlobVariant, size: UInt64) throws {
        if group.contains(where: { $0.variant == variant }) { return }
        try stage(variant)
        group.append(StagedBlob(variant: variant, size: size, list: nil, chunks: [], givenName: variant.name))
        groupBytes += size
        // The group is searched for every new one: keep it short.
        if groupBytes >= StoreLayout.ingestGroupBytes || group.count >= 1024 { try finish() }
    }

    /// Makes what was staged durable.
    mutating func finish() throws {
        guard !group.isEmpty else { return }
        try store.commit(group, of: set, from: staging)
        group.removeAll()
        groupBytes = 0
    }

    /// Makes a variant under its final name at once, as a tree that is being linked needs it. Not yet recorded.
    func makeNow(_ variant: BlobVariant) throws {
        try stage(variant)
        // Under its final name it is taken by the next one who looks for room, with or without a row: so whole first.
        try staging.folder.openFile(variant.name).sync()
        try store.groupLock.withLock { state in
            let untouched = try state.blobFolders.untouched([variant], store.blobs)
            try staging.folder.rename(
                variant.name, in: store.blobs.folder(variant.digest), to: variant.name)
            try state.blobFolders.note(untouched, store.blobs)
        }
    }

    /// Records variants of `makeNow`, after a sync of the file system if there are any.
    func record(_ variants: [BlobVariant]) throws {
        guard !variants.isEmpty else { return }
        try staging.durability.syncFileSystem()
        try store.database.withTransaction { session in
            for variant in variants {
                guard let record = try session.blob(variant.digest) else { continue }
                _ = try session.record(variant, size: record.size, list: nil)
            }
        }
    }

    private func stage(_ variant: BlobVariant) throws {
        while let source = try store.openAnyVariant(of: variant.digest) {
            let size = try source.file.attributes().size
            try staging.folder.unlinkIfPresent(variant.name)
            let file = try staging.folder.createFile(variant.name, mode: variant.mode)
            try file.copyAll(from: source.file, size: size)
            if try file.blake3() == variant.digest.raw {
                try file.setModified(FileTime(seconds: variant.modified))
                return
            }
            // That inode has rotted: it is no source for anything any more.
            try staging.folder.unlinkIfPresent(variant.name)
            try store.forget([source.variant])
        }
        throw StoreError.notFound("an undamaged file of blob \(variant.digest)")
    }
}

extension OpenFile {
    /// The digest of the whole file, read in parts. Throws `FileError`.
    package func blake3() throws -> BLAKE3Digest {
        // A power of two keeps all lanes busy; 1 MiB stays in the cache.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var hasher = BLAKE3.Hasher()
        var offset: UInt64 = 0
        while true {
            let count = try read(into: buffer, at: offset)
            if count == 0 { return hasher.finalize() }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += UInt64(count)
        }
    }
}
