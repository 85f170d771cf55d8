package import Content
package import UpdateFramework

/// The documents of a TUF repository as one value: what a host keeps, and what travels between hosts. Nothing of it is
/// believed before ``VerifiedRepository`` has seen it.
///
/// docs/formats/trust.md states the binary form.
package struct RepositoryDocuments: Hashable, Sendable {
    /// The version of the binary form that this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most bytes in all: some two thousand hybrid documents.
    package static let maximumByteCount = 16 << 20
    /// The most documents.
    package static let maximumCount = 4_096
    /// "MFTD": tells a person who finds the file, and this program, what it is.
    private static let mark: [UInt8] = [0x4D, 0x46, 0x54, 0x44]

    /// Every root from some version on, by version.
    package var roots: [Int64: [UInt8]]
    /// The newest document of the other roles.
    package var documents: [RoleName: [UInt8]]

    /// The documents as they are; nothing is checked.
    package init(roots: [Int64: [UInt8]] = [:], documents: [RoleName: [UInt8]] = [:]) {
        self.roots = roots
        self.documents = documents
    }

    /// Whether there is no document at all.
    package var isEmpty: Bool { roots.isEmpty && documents.isEmpty }

    /// The newest root, with its version.
    package var newestRoot: (version: Int64, bytes: [UInt8])? {
        roots.max { $0.key < $1.key }.map { (version: $0.key, bytes: $0.value) }
    }

    /// These documents, and in place of those of the same role the ones of `newer`.
    package func merging(_ newer: RepositoryDocuments) -> RepositoryDocuments {
        RepositoryDocuments(
            roots: roots.merging(newer.roots) { $1 }, documents: documents.merging(newer.documents) { $1 })
    }

    /// The canonical bytes: roots ascending by version, then the others ascending by role.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 << 10)
        writer.bytes(Self.mark)
        writer.u8(Self.formatVersion)
        writer.varint(UInt64(roots.count))
        for (version, bytes) in roots.sorted(by: { $0.key < $1.key }) {
            writer.varint(UInt64(max(version, 0)))
            writer.lengthPrefixed(bytes)
        }
        writer.varint(UInt64(documents.count))
        for (role, bytes) in documents.sorted(by: { $0.key < $1.key }) {
            writer.lengthPrefixed(role.bytes)
            writer.lengthPrefixed(bytes)
        }
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        guard bytes.count <= Self.maximumByteCount else {
            throw reader.malformed("\(bytes.count) bytes of metadata, the limit is \(Self.maximumByteCount)")
        }
        guard try reader.raw(Self.mark.count) == Self.mark else { throw reader.malformed("this is no TUF metadata") }
        let version = try reader.u8()
        guard version == Self.formatVersion else {
            throw reader.malformed("format version \(version) of metadata, this program reads \(Self.formatVersion)")
        }
        var roots: [Int64: [UInt8]] = [:]
        var lastVersion: UInt64 = 0
        for _ in 0..<(try reader.count(max: Self.maximumCount)) {
            let version = try reader.varint(max: UInt64(JSONLimits.integers.upperBound))
            guard version > lastVersion else { throw reader.malformed("roots are not in order") }
            lastVersion = version
            roots[Int64(version)] = try reader.lengthPrefixed(max: MetadataLimits.rootByteCount)
        }
        var documents: [RoleName: [UInt8]] = [:]
        var lastRole: RoleName?
        for _ in 0..<(try reader.count(max: Self.maximumCount)) {
            guard let role = RoleName(try reader.lengthPrefixed(max: MetadataLimits.roleNameByteCount)), role != .root
            else { throw reader.malformed("a document without a role") }
            if let lastRole, !(lastRole < role) { throw reader.malformed("documents are not in order") }
            lastRole = role
            documents[role] = try reader.lengthPrefixed(max: MetadataLimits.byteCount(of: role))
        }
        try reader.expectEnd()
        self.roots = roots
        self.documents = documents
    }
}

/// Which versions of which roles somebody has: the question to which documents are the answer.
package struct MetadataVersions: Hashable, Sendable {
    /// The version of the newest root; 0: none.
    package var root: Int64
    /// The versions of the other roles.
    package var roles: [RoleName: Int64]

    /// Versions as they are.
    package init(root: Int64 = 0, roles: [RoleName: Int64] = [:]) {
        self.root = root
        self.roles = roles
    }

    /// The version of `role`; 0: none.
    package subscript(_ role: RoleName) -> Int64 { role == .root ? root : roles[role] ?? 0 }

    /// The canonical bytes: the root's version, then roles ascending with theirs.
    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 64 + roles.count * 80)
        writer.varint(UInt64(max(root, 0)))
        writer.varint(UInt64(roles.count))
        for (role, version) in roles.sorted(by: { $0.key < $1.key }) {
            writer.lengthPrefixed(role.bytes)
            writer.varint(UInt64(max(version, 0)))
        }
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        let limit = UInt64(JSONLimits.integers.upperBound)
        root = Int64(try reader.varint(max: limit))
        var roles: [RoleName: Int64] = [:]
        var last: RoleName?
        for _ in 0..<(try reader.count(max: RepositoryDocuments.maximumCount)) {
            guard let role = RoleName(try reader.lengthPrefixed(max: MetadataLimits.roleNameByteCount)) else {
                throw reader.malformed("a version without a role")
            }
            if let last, !(last < role) { throw reader.malformed("roles are not in order") }
            last = role
            roles[role] = Int64(try reader.varint(max: limit))
        }
        try reader.expectEnd()
        self.roles = roles
    }
}
