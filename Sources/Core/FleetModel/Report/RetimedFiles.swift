/// What had its time changed in place by one flip (docs/decisions/0011-times-in-place.md): trees that stay show it, too.
package struct RetimedFiles: Codable, Sendable, Hashable {
    /// Files of the store, each of which may be served under several names.
    package var files: UInt64
    /// Their bytes, none of which was written.
    package var bytes: UInt64

    /// Makes the value from its parts; nothing is checked.
    package init(files: UInt64, bytes: UInt64) {
        self.files = files
        self.bytes = bytes
    }
}
