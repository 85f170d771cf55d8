/// One chunk as a list, a log or a request names it: its digest and its length in bytes.
package struct ChunkReference: Hashable, Sendable {
    /// The most bytes a chunk can have in any profile: 1 MiB. A receiver may allocate this much before it has verified.
    package static let maximumLength: UInt32 = 1 << 20

    /// The plain BLAKE3 of the chunk's bytes.
    package var digest: ChunkDigest
    /// The length in bytes, 1...``maximumLength`` in every encoded form.
    package var length: UInt32

    /// A reference as given; lists and logs check the length when they are made.
    package init(digest: ChunkDigest, length: UInt32) {
        self.digest = digest
        self.length = length
    }
}
