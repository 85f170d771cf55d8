/// How far a rebuild is.
package struct RebuildProgress: Hashable, Sendable {
    /// Files of blobs hashed again, and their bytes.
    package var files: UInt64 = 0
    package var totalFiles: UInt64 = 0
    package var bytes: UInt64 = 0
}

/// What a rebuild found in the files of a store.
package struct RebuildOutcome: Hashable, Sendable {
    /// One release with a file and a tree.
    package struct Release: Hashable, Sendable {
        package let set: String
        package let sequence: UInt64
        /// Why it is not held as it was signed; nil if its tree, hashed again, is exactly what was signed.
        package let fault: String?
        /// The set's link shows it.
        package let isServed: Bool
    }

    /// Files of blobs that have the bytes of their name, and these bytes.
    package var files: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Names of files moved to quarantine, because they have other bytes, sorted.
    package var bad: [String] = []
    /// Sorted by set and sequence.
    package var releases: [Release] = []
    /// Sets whose link shows a tree without a usable file of its release, sorted: the next sync fetches the release
    /// and its manifest, and no chunk that is here.
    package var unknownSets: [String] = []
    /// Where the old database was put, if there was one.
    package var oldDatabase: String?

    /// Everything that is served is known again.
    package var isComplete: Bool { bad.isEmpty && unknownSets.isEmpty && releases.allSatisfy { $0.fault == nil } }
}
