/// How the origin brings the files of a source tree into its store.
package enum IngestPolicy: String, Codable, Sendable, Hashable, CaseIterable {
    /// Shares the bytes where the file system can, and copies where it cannot.
    case reflink
    /// Copies the bytes.
    case copy
    /// Links to the same inode: no copy, and the source tree must never be written in place again.
    case link
}
