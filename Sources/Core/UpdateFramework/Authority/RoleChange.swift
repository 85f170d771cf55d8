/// The next document of a role that the fleet's targets delegate to, on its way to enough signatures: it names one target
/// more, or another one under a path, and whoever signs it sees which.
package struct RoleChange: SignatureRequest, Sendable {
    /// A target with its bytes.
    package struct Target: Hashable, Sendable {
        /// Its path.
        package let path: TargetPath
        /// All of it.
        package let bytes: [UInt8]

        /// The target `bytes` at `path`.
        package init(path: TargetPath, bytes: [UInt8]) {
            self.path = path
            self.bytes = bytes
        }
    }

    /// Who signs for the role, as root and targets say.
    package let base: FleetTrust
    /// What the role says now, as it was read; nil if it never said anything.
    package let before: SignedMetadata?
    /// What it says then.
    package let contents: TargetsMetadata
    /// What is new.
    package let target: Target
    /// What the role names under the path of ``target`` now, all of it; nil if it names nothing there.
    package let replaced: [UInt8]?
    /// Targets that the role names now, and then no more, ascending.
    package let dropped: [TargetPath]
    /// What is said of the target and signed by nobody.
    package let notes: SourceNotes
    /// The next document, with the signatures so far.
    package private(set) var document: ChangedDocument

    /// The role.
    package var role: RoleName { document.role }
    /// The one document.
    package var documents: [ChangedDocument] { [document] }

    /// The change of `role` from the document `before` to the document `bytes`, which names `target` in the place of
    /// `replaced`, what it named there before.
    ///
    /// Throws ``TrustFileError``: if `before` has not the signatures that `base` wants, or the new document is not the
    /// next version, changes another target than `target`, or has other bytes for it; if `before` has other bytes for
    /// `replaced`; and if either is longer than a file can carry.
    package init(
        of role: RoleName, base: FleetTrust, before: [UInt8]?, to bytes: [UInt8], target: Target,
        replacing replaced: [UInt8]? = nil, notes: SourceNotes = SourceNotes()
    ) throws(TrustFileError) {
        guard let rule = base.targets.rule(for: role) else { throw .unknownRole(role) }
        let byteCount = max(target.bytes.count, replaced?.count ?? 0)
        guard byteCount <= Self.targetByteCount else { throw .tooLong(target.path, byteCount: byteCount) }
        let held: (document: SignedMetadata, contents: TargetsMetadata)?
        let next: (document: SignedMetadata, contents: TargetsMetadata)
        do throws(UpdateError) {
            held = try before.map { bytes throws(UpdateError) in try Self.read(bytes, role, base) }
            next = try Self.read(bytes, role, base)
            if let held {
                let found = rule.state(of: held.document).signed.count
                guard found >= rule.grant.threshold else {
                    throw .tooFewSigners(
                        role, delegator: .targets, delegatorVersion: base.targets.version, found: found,
                        threshold: rule.grant.threshold)
                }
            }
            let version = held?.contents.version ?? 0
            guard next.contents.version == version + 1 else {
                throw .rollback(role, held: version, found: next.contents.version)
            }
            guard next.contents.targets[target.path] == TargetDescription(of: target.bytes) else {
                throw .otherTarget(target.path, role: role, version: next.contents.version)
            }
        } catch {
            throw .document(error)
        }
        guard next.contents.delegations.isEmpty else { throw .delegates(role) }
        let old = held?.contents.targets ?? [:]
        guard old[target.path] == replaced.map({ TargetDescription(of: $0) }) else {
            throw .otherReplaced(target.path, role: role)
        }
        let hidden = next.contents.targets.filter { $0.key != target.path && old[$0.key] != $0.value }
        if let path = Self.ascending(hidden.keys).first { throw .hiddenTarget(path, role: role) }
        self.base = base
        self.before = held?.document
        contents = next.contents
        self.target = target
        self.replaced = replaced
        dropped = Self.ascending(old.keys.filter { next.contents.targets[$0] == nil })
        self.notes = notes
        document = ChangedDocument(
            role: role, version: next.contents.version, rules: [rule], document: next.document)
    }

    package mutating func add(_ signatures: [MetadataSignature], toDocument place: Int) -> Int {
        precondition(place == 0, "a change of a role has one document, not \(place + 1)")
        return document.add(signatures)
    }

    private static func read(
        _ bytes: [UInt8], _ role: RoleName, _ base: FleetTrust
    ) throws(UpdateError) -> (document: SignedMetadata, contents: TargetsMetadata) {
        let verifier = FleetTrust.verifier(base.fleet)
        let document = try verifier.document(bytes, of: role)
        return (document, try verifier.interpret(document, of: role))
    }

    private static func ascending(_ paths: some Sequence<TargetPath>) -> [TargetPath] {
        paths.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }
}

/// What the origin said of a target when it was made. Nobody signs it: it helps who looks, and proves nothing.
package struct SourceNotes: Hashable, Sendable {
    /// The directory that was read, on the origin's host.
    package var source: String?
    /// Names of the digests that the set takes beside BLAKE3: a reader of the same tree needs them.
    package var digests: [String]
    /// Files that are gone since the release before, and their bytes; nil if that is not known.
    package var removed: (files: UInt64, bytes: UInt64)? {
        get { removedFiles.flatMap { files in removedBytes.map { (files, $0) } } }
        set {
            removedFiles = newValue?.files
            removedBytes = newValue?.bytes
        }
    }
    private var removedFiles: UInt64?
    private var removedBytes: UInt64?

    /// Nothing is said but what is given.
    package init(source: String? = nil, digests: [String] = []) {
        self.source = source
        self.digests = digests
    }
}
