/// What metadata has at most. Each limit is far above what a fleet needs, and bounds memory or time before anything is
/// believed.
package enum MetadataLimits {
    /// Bytes of a root: 40 hybrid keys and as many signatures.
    package static let rootByteCount = 512 << 10
    /// Bytes of a timestamp: it is fetched every few minutes, and has one number to say.
    package static let timestampByteCount = 64 << 10
    /// Bytes of a snapshot: some 20,000 roles.
    package static let snapshotByteCount = 2 << 20
    /// Bytes of targets metadata.
    package static let targetsByteCount = 5 << 20
    /// Values of all kinds in one document; the largest documents are lists of names with a handful of values each.
    package static let valueCount = 400_000
    /// Keys that one role may name: bounds the verifications of one document.
    package static let keysPerRole = 64
    /// Keys of a root or of delegations.
    package static let keysPerDocument = 4_096
    /// Signatures of one document.
    package static let signatures = 256
    /// Roles that one role delegates to.
    package static let delegations = 16_384
    /// Patterns, or prefixes of hashes, of one delegation.
    package static let patternsPerDelegation = 4_096
    /// Bytes of a pattern: matching costs its product with the path's length.
    package static let patternByteCount = 1_024
    /// Bytes of a target's path.
    package static let targetPathByteCount = 1_024
    /// Bytes of a role's name, so that its file name, percent-encoded, is one that a file system takes.
    package static let roleNameByteCount = 80
    /// Bytes of a target: what an exact number holds.
    package static let targetByteCount = JSONLimits.integers.upperBound

    /// The most bytes of the metadata of `role`.
    package static func byteCount(of role: RoleName) -> Int {
        switch role {
        case .root: rootByteCount
        case .timestamp: timestampByteCount
        case .snapshot: snapshotByteCount
        default: targetsByteCount
        }
    }
}
