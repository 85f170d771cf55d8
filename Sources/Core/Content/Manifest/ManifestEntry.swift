package import Hashing

/// One entry of a manifest: a file, a directory or a symlink at a path, with everything a mirror needs to serve it.
package struct ManifestEntry: Hashable, Sendable {
    /// Where it is.
    package let path: RelativePath
    /// What it is.
    package let type: EntryType
    /// Served as 0755 and not 0644; only files.
    package let isExecutable: Bool
    /// Time of the last modification, in whole seconds since 1970 (may be negative).
    package let modified: Int64
    /// Bytes of a file; 0 for all else.
    package let size: UInt64
    /// The digest of a file's bytes, also of an empty one; nil for all else.
    package let blob: BlobDigest?
    /// The list of a file's chunks, if there is more than one.
    package let chunkList: ChunkListDigest?
    /// The target of a symlink, 1 to 4,095 bytes without NUL; empty for all else.
    package let linkTarget: [UInt8]
    /// Digests that the set asks for beside BLAKE3, strictly ascending by algorithm; only files.
    package let furtherDigests: [Digest]

    /// An entry of these fields; throws if they do not fit together.
    package init(
        path: RelativePath, type: EntryType, isExecutable: Bool = false, modified: Int64, size: UInt64 = 0,
        blob: BlobDigest? = nil, chunkList: ChunkListDigest? = nil, linkTarget: [UInt8] = [],
        furtherDigests: [Digest] = []
    ) throws(EntryError) {
        self.path = path
        self.type = type
        self.isExecutable = isExecutable
        self.modified = modified
        self.size = size
        self.blob = blob
        self.chunkList = chunkList
        self.linkTarget = linkTarget
        self.furtherDigests = furtherDigests
        try validate()
    }

    /// Whether it is a directory.
    package var isDirectory: Bool { type == .directory }

    private func validate() throws(EntryError) {
        switch type {
        case .file:
            if blob == nil { throw .missingBlob }
            if size > ManifestLimits.byteCount { throw .sizeTooLarge(size) }
            if chunkList != nil, size == 0 { throw .chunkListOfEmptyFile }
            if !linkTarget.isEmpty { throw .fieldNotOfType(field: "linkTarget", type: type) }
        case .directory, .symlink:
            if isExecutable { throw .fieldNotOfType(field: "isExecutable", type: type) }
            if size != 0 { throw .fieldNotOfType(field: "size", type: type) }
            if blob != nil { throw .fieldNotOfType(field: "blob", type: type) }
            if chunkList != nil { throw .fieldNotOfType(field: "chunkList", type: type) }
            if !furtherDigests.isEmpty { throw .fieldNotOfType(field: "furtherDigests", type: type) }
            if type == .symlink {
                try validateLinkTarget()
            } else if !linkTarget.isEmpty {
                throw .fieldNotOfType(field: "linkTarget", type: type)
            }
        }
        if !furtherDigests.isEmpty { try validateDigests() }
    }

    private func validateLinkTarget() throws(EntryError) {
        guard (1...ManifestLimits.linkTargetByteCount).contains(linkTarget.count) else {
            throw .linkTargetLength(linkTarget.count)
        }
        if let offset = linkTarget.firstIndex(of: 0) { throw .linkTargetContainsNUL(offset: offset) }
    }

    private func validateDigests() throws(EntryError) {
        var last: UInt8 = 0
        for digest in furtherDigests {
            if digest.algorithm == .blake3 { throw .digestRepeatsBlob }
            if digest.algorithm.rawValue <= last { throw .digestOrder(digest.algorithm) }
            last = digest.algorithm.rawValue
        }
    }
}
