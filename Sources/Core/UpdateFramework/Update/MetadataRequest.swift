/// A file of a repository to fetch next.
package struct MetadataRequest: Hashable, Sendable {
    /// Whose metadata it is.
    package let role: RoleName
    /// The version in its file name; nil if that has none.
    package let version: Int64?
    /// The most bytes: whoever fetches stops behind them.
    package let byteLimit: Int

    /// The file of a version of a role's metadata, of which at most `byteLimit` bytes are read.
    package init(role: RoleName, version: Int64?, byteLimit: Int) {
        self.role = role
        self.version = version
        self.byteLimit = byteLimit
    }

    /// The name of the file, one name and no path.
    package var fileName: String {
        version.map { "\($0).\(role.fileName)" } ?? role.fileName
    }
}

/// A target that verified metadata describes: which bytes are asked for. Only ``RepositoryUpdate`` makes one.
package struct VerifiedTarget: Sendable {
    /// What was asked for.
    package let path: TargetPath
    /// Its length, hashes and `custom`.
    package let description: TargetDescription
    /// The roles that lead to it, from root to the one that describes it.
    package let authority: [RoleName]
    /// The version of the role that describes it.
    package let version: Int64
    /// When the first of all documents that lead to it expires.
    package let expires: MetadataTime
    /// Whether its file's name has a hash in it.
    let hasHashedName: Bool

    /// Only for ``RepositoryUpdate``, which has verified all of it.
    init(
        path: TargetPath, description: TargetDescription, authority: [RoleName], version: Int64, expires: MetadataTime,
        hasHashedName: Bool
    ) {
        self.path = path
        self.description = description
        self.authority = authority
        self.version = version
        self.expires = expires
        self.hasHashedName = hasHashedName
    }

    /// The path of the file in the repository: with consistent snapshots, a hash stands before the last name.
    package var filePath: [UInt8] {
        guard hasHashedName, let prefix = description.hashes.fileNamePrefix else { return path.bytes }
        let nameStart = path.bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return path.bytes[..<nameStart] + prefix + [UInt8(ascii: ".")] + path.bytes[nameStart...]
    }

    /// Believes `bytes` if they are the target. Throws ``UpdateError``.
    package func verify(_ bytes: [UInt8]) throws(UpdateError) -> VerifiedTargetBytes {
        guard bytes.count <= description.length else {
            throw .targetTooLong(path, limit: description.length)
        }
        guard bytes.count == description.length, description.hashes.match(bytes), let role = authority.last else {
            throw .otherTarget(path, role: authority.last ?? .targets, version: version)
        }
        return VerifiedTargetBytes(bytes: bytes, target: self, role: role)
    }
}

/// The bytes of a target, verified from the root down. Only ``VerifiedTarget/verify(_:)`` makes one, so a function that
/// takes it cannot be given anything else.
package struct VerifiedTargetBytes: Sendable {
    /// The target.
    package let bytes: [UInt8]
    /// What verified it.
    package let target: VerifiedTarget
    /// The role that describes it.
    package let role: RoleName

    fileprivate init(bytes: [UInt8], target: VerifiedTarget, role: RoleName) {
        self.bytes = bytes
        self.target = target
        self.role = role
    }
}
