/// Every limit of a manifest, with the reason for its value.
package enum ManifestLimits {
    /// Entries of one set: Debian's whole archive has 2.5 million files, PyPI about 15 million.
    package static let entries: UInt64 = 20_000_000
    /// An encoded node: bounds what one unverified message can make a mirror hold.
    package static let nodeByteCount = 65_536
    /// Levels of a tree. A node that is not the last of its level has at least seven items, so 20 million entries need
    /// at most ten.
    package static let height = 12
    /// A link target, in bytes: what the kernel takes.
    package static let linkTargetByteCount = 4_095
    /// The size of one file and of all together: what a signed 64-bit offset can say.
    package static let byteCount = UInt64(Int64.max)
}
