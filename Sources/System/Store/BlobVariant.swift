package import Content
import Hashing

/// One inode that holds a blob: the bytes by their digest, and the attributes that the served file shows.
///
/// A served tree's files are hard links to these inodes, so equal bytes with another time or mode need another inode,
/// and so do more links than the file system allows on one (`copy` counts up).
package struct BlobVariant: Hashable, Sendable {
    /// The bytes.
    package let digest: BlobDigest
    /// Modification time in whole seconds since 1970, set on the inode.
    package let modified: Int64
    /// Mode 0755, else 0644.
    package let isExecutable: Bool
    /// 0 for the first inode; higher ones exist only when the lower ones have no room for another link.
    package let copy: Int

    package init(digest: BlobDigest, modified: Int64, isExecutable: Bool, copy: Int = 0) {
        self.digest = digest
        self.modified = modified
        self.isExecutable = isExecutable
        self.copy = copy
    }

    /// The variant that the file entry `entry` is served from; nil for directories and symlinks.
    init?(_ entry: ManifestEntry) {
        guard let blob = entry.blob else { return nil }
        self.init(digest: blob, modified: entry.modified, isExecutable: entry.isExecutable)
    }

    /// The permission bits of the inode.
    var mode: UInt32 { isExecutable ? 0o755 : 0o644 }

    /// The same attributes, another inode.
    func withCopy(_ copy: Int) -> BlobVariant {
        BlobVariant(digest: digest, modified: modified, isExecutable: isExecutable, copy: copy)
    }

    /// The file's name in its folder of `blobs`: `<digest>-<mtime>-<x|f>-<copy>`.
    package var name: [UInt8] {
        Self.hex(digest) + Array("-\(modified)-\(isExecutable ? "x" : "f")-\(copy)".utf8)
    }

    /// Where the file lies below `blobs`: in the folder of the digest's first byte.
    package var relativePath: [UInt8] { Self.hex(digest).prefix(2) + [UInt8(ascii: "/")] + name }

    /// The variant that a file name says; nil if it is not such a name.
    package init?(name: [UInt8]) {
        guard name.count > 68, name[64] == UInt8(ascii: "-"),
            let digest = BlobDigest(hex: String(decoding: name[..<64], as: UTF8.self))
        else { return nil }
        let rest = name[65...]
        // The time may be negative, so split from the end.
        guard let copyDash = rest.lastIndex(of: UInt8(ascii: "-")),
            let kindDash = rest[..<copyDash].lastIndex(of: UInt8(ascii: "-")),
            let modified = Int64(String(decoding: rest[..<kindDash], as: UTF8.self)),
            let copy = Int(String(decoding: rest[(copyDash + 1)...], as: UTF8.self)), copy >= 0
        else { return nil }
        switch Array(rest[(kindDash + 1)..<copyDash]) {
        case [UInt8(ascii: "x")]: self.init(digest: digest, modified: modified, isExecutable: true, copy: copy)
        case [UInt8(ascii: "f")]: self.init(digest: digest, modified: modified, isExecutable: false, copy: copy)
        default: return nil
        }
        guard self.name == name else { return nil }
    }

    /// The 64 digits of a digest, as bytes.
    static func hex(_ digest: BlobDigest) -> [UInt8] { Array(digest.raw.hex.utf8) }
}
