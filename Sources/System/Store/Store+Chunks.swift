package import Content
import Database
import LinuxIO

extension Store {
    /// Where chunks are held, in any set; nil for those that are not.
    /// - Throws: `ChunkIndexError` if the index is damaged.
    package func locate(_ chunks: [ChunkDigest]) throws -> [ChunkLocation?] { try index.find(chunks) }

    /// Reads a located chunk into `buffer`, which must have at least its length.
    ///
    /// The bytes are what the disk gives; who must be sure compares them with the digest.
    /// - Throws: `StoreError.notFound` if it is gone, and `FileError` if it cannot be read.
    package func read(_ location: ChunkLocation, into buffer: UnsafeMutableRawBufferPointer) throws {
        let length = Int(location.length)
        precondition(buffer.count >= length, "a buffer of \(buffer.count) bytes for a chunk of \(length)")
        let file = try file(of: location)
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<length])
        guard try file.read(into: part, at: location.offset) == length else {
            readers.drop(Int64(location.blobNumber))
            throw StoreError.notFound("a chunk at \(location.offset) of blob number \(location.blobNumber)")
        }
    }

    /// The open file of the blob that holds a located chunk. Throws `StoreError.notFound` if it is gone.
    func file(of location: ChunkLocation) throws -> OpenFile {
        let number = Int64(location.blobNumber)
        return try readers.file(number) ?? openBlob(number, toRead: location.length)
    }

    /// Opens any inode of a blob, and keeps the descriptor if there is more of it to read than `length` bytes.
    private func openBlob(_ number: Int64, toRead length: UInt32) throws -> OpenFile {
        // Twice: the time of an inode, and with it its name, may have changed since the rows were read.
        for _ in 0..<2 {
            let variants = try database.read { session in
                try session.rows(
                    """
                    SELECT digest, size, modified, executable, copy FROM blob JOIN variant ON variant.blob = blob.number
                    WHERE blob.number = ? ORDER BY variant.number
                    """, [.integer(number)]
                ) { row in
                    (
                        variant: BlobVariant(
                            digest: BlobDigest(try row.digest(0, "blob")), modified: try row.integer(2),
                            isExecutable: try row.flag(3), copy: Int(clamping: try row.integer(4))),
                        size: try row.unsigned(1)
                    )
                }
            }
            for (variant, size) in variants {
                guard let file = try blobs.open(variant) else { continue }
                if size > UInt64(length) { readers.keep(file, number) }
                return file
            }
        }
        throw StoreError.notFound("blob number \(number)")
    }

    /// Opens any inode of a held blob; nil if there is none.
    func openAnyVariant(of digest: BlobDigest) throws -> (variant: BlobVariant, file: OpenFile)? {
        // Twice: the time of an inode, and with it its name, may have changed since the rows were read.
        for _ in 0..<2 {
            let variants = try database.read { session -> [VariantRecord] in
                guard let record = try session.blob(digest) else { return [] }
                return try session.variants(of: digest, number: record.number)
            }
            for record in variants {
                if let file = try blobs.open(record.variant) { return (record.variant, file) }
            }
        }
        return nil
    }
}
