/// What a signed release says about its manifest: the digest of the tree's top node and the sums over the tree.
package struct ManifestRoot: Hashable, Sendable {
    /// The digest of the top node.
    package let digest: NodeDigest
    /// Levels of the tree, 1 to 12; 1 means that the top node is a leaf. Also an empty tree has height 1.
    package let height: Int
    /// All entries: files, directories, symlinks.
    package let entries: UInt64
    /// Entries that are files.
    package let files: UInt64
    /// The sizes of all files, in bytes.
    package let bytes: UInt64

    package init(digest: NodeDigest, height: Int, entries: UInt64, files: UInt64, bytes: UInt64) {
        self.digest = digest
        self.height = height
        self.entries = entries
        self.files = files
        self.bytes = bytes
    }
}
