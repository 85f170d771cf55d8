package import Hashing

// One type for each thing that a digest names, so that no chunk is ever looked up as a node. They are written out, not
// made by a protocol, because a generic comparison called from another module is slow (it is not specialised).

/// Names a chunk: the plain BLAKE3 of its bytes.
package struct ChunkDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let raw: BLAKE3Digest

    package init(_ raw: BLAKE3Digest) { self.raw = raw }

    /// From 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard let raw = BLAKE3Digest(hex: hex) else { return nil }
        self.raw = raw
    }

    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

    /// 64 lower-case hexadecimal digits.
    package var description: String { raw.hex }
}

/// Names a blob, the whole bytes of one file: their plain BLAKE3. The one chunk of a small file has the same
/// digest.
package struct BlobDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let raw: BLAKE3Digest

    package init(_ raw: BLAKE3Digest) { self.raw = raw }

    /// From 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard let raw = BLAKE3Digest(hex: hex) else { return nil }
        self.raw = raw
    }

    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

    /// 64 lower-case hexadecimal digits.
    package var description: String { raw.hex }
}

/// Names a node of a manifest, under the context of leaves or of index nodes.
package struct NodeDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let raw: BLAKE3Digest

    package init(_ raw: BLAKE3Digest) { self.raw = raw }

    /// From 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard let raw = BLAKE3Digest(hex: hex) else { return nil }
        self.raw = raw
    }

    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

    /// 64 lower-case hexadecimal digits.
    package var description: String { raw.hex }
}

/// Names a chunk list, under its own context.
package struct ChunkListDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let raw: BLAKE3Digest

    package init(_ raw: BLAKE3Digest) { self.raw = raw }

    /// From 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard let raw = BLAKE3Digest(hex: hex) else { return nil }
        self.raw = raw
    }

    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

    /// 64 lower-case hexadecimal digits.
    package var description: String { raw.hex }
}

/// Names an encoded changeset, under its own context.
package struct ChangesetDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let raw: BLAKE3Digest

    package init(_ raw: BLAKE3Digest) { self.raw = raw }

    /// From 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard let raw = BLAKE3Digest(hex: hex) else { return nil }
        self.raw = raw
    }

    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

    /// 64 lower-case hexadecimal digits.
    package var description: String { raw.hex }
}

/// Names a release document, under its own context.
package struct ReleaseDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let raw: BLAKE3Digest

    package init(_ raw: BLAKE3Digest) { self.raw = raw }

    /// From 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard let raw = BLAKE3Digest(hex: hex) else { return nil }
        self.raw = raw
    }

    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

    /// 64 lower-case hexadecimal digits.
    package var description: String { raw.hex }
}

/// Names an entry or an inner node of a chunk log, and so the root of one.
package struct LogEntryDigest: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    package let raw: BLAKE3Digest

    package init(_ raw: BLAKE3Digest) { self.raw = raw }

    /// From 64 lower-case hexadecimal digits; nil for anything else.
    package init?(hex: String) {
        guard let raw = BLAKE3Digest(hex: hex) else { return nil }
        self.raw = raw
    }

    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

    /// 64 lower-case hexadecimal digits.
    package var description: String { raw.hex }
}
