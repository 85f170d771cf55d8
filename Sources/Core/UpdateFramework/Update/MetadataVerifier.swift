/// Who may sign for a role, and who says so.
struct RoleSigners: Sendable {
    let delegator: RoleName
    let delegatorVersion: Int64
    let ring: KeyRing
    let keys: RoleKeys
}

/// What other, verified metadata says of the metadata that is looked at.
struct ListedMetadata: Sendable {
    let description: MetadataDescription
    let lister: RoleName
}

extension MetadataDescription {
    /// Whether length and hashes, as far as they are stated, are those of `bytes`.
    func isOf(_ bytes: [UInt8]) -> Bool {
        (length == nil || length == Int64(bytes.count)) && (hashes?.match(bytes) ?? true)
    }

    /// The most bytes worth reading: what is stated, within the limit of the role.
    func byteLimit(of role: RoleName) -> Int {
        let limit = MetadataLimits.byteCount(of: role)
        return length.flatMap { Int(exactly: $0) }.map { min($0, limit) } ?? limit
    }
}

extension RootMetadata {
    /// Who signs for a top-level role.
    func delegation(of role: RoleName) -> RoleSigners {
        RoleSigners(delegator: .root, delegatorVersion: version, ring: keys, keys: keys(of: role))
    }
}

/// The rules that every document passes, in their order: size, hash, form, signatures, names, contents, version.
struct MetadataVerifier: Sendable {
    let profile: MetadataProfile
    let schemes: KeySchemes
    /// The time of the whole update.
    let now: MetadataTime

    /// The contents of `bytes`, signed by `signers`, and what `listed` says, if it is given. Not whether it has expired.
    func contents<Contents: MetadataContents>(
        _ bytes: [UInt8], of role: RoleName, signedBy signers: RoleSigners, listed: ListedMetadata? = nil
    ) throws(UpdateError) -> Contents {
        if let listed {
            let limit = listed.description.byteLimit(of: role)
            guard bytes.count <= limit else { throw .tooLong(role, limit: limit) }
            guard listed.description.isOf(bytes) else {
                throw .otherBytes(role, listedBy: listed.lister, version: listed.description.version)
            }
        }
        let document = try document(bytes, of: role)
        try checkSigners(of: document, role: role, by: signers)
        let contents: Contents = try interpret(document, of: role)
        if let listed, contents.version != listed.description.version {
            throw .otherVersion(
                role, listedBy: listed.lister, listed: listed.description.version, found: contents.version)
        }
        return contents
    }

    /// A root that is trusted because somebody brought it: only its own keys can speak for it.
    func initialRoot(_ bytes: [UInt8]) throws(UpdateError) -> RootMetadata {
        let document = try document(bytes, of: .root)
        let root: RootMetadata = try interpret(document, of: .root)
        try checkSigners(of: document, role: .root, by: root.delegation(of: .root))
        return root
    }

    /// The root right after `held`: signed by the keys of both.
    func root(_ bytes: [UInt8], after held: RootMetadata) throws(UpdateError) -> RootMetadata {
        let document = try document(bytes, of: .root)
        try checkSigners(of: document, role: .root, by: held.delegation(of: .root))
        let root: RootMetadata = try interpret(document, of: .root)
        guard root.version == held.version + 1 else {
            throw .rootOutOfOrder(held: held.version, found: root.version)
        }
        try checkSigners(of: document, role: .root, by: root.delegation(of: .root))
        return root
    }

    func checkExpiry(of contents: some MetadataContents, role: RoleName) throws(UpdateError) {
        guard contents.expires > now else {
            throw .expired(role, version: contents.version, expires: contents.expires, now: now)
        }
    }

    /// The envelope of `bytes`, within the limit of the role.
    func document(_ bytes: [UInt8], of role: RoleName) throws(UpdateError) -> SignedMetadata {
        let limit = MetadataLimits.byteCount(of: role)
        guard bytes.count <= limit else { throw .tooLong(role, limit: limit) }
        do throws(MetadataError) {
            return try SignedMetadata(bytes, byteCount: limit)
        } catch {
            throw .badMetadata(role, error)
        }
    }

    /// What a document says, its names those of the profile; signatures are not looked at.
    func interpret<Contents: MetadataContents>(
        _ document: SignedMetadata, of role: RoleName
    ) throws(UpdateError) -> Contents {
        switch document.strayName(profile: profile, role: role) {
        case .unnamed: throw .unnamed(role)
        case .otherFleet(let expected, let found): throw .otherFleet(role, expected: expected, found: found)
        case .otherRole(let found): throw .otherRole(role, found: found)
        case nil: break
        }
        do throws(MetadataError) {
            return try Contents(document.signed, profile: profile, schemes: schemes)
        } catch {
            throw .badMetadata(role, error)
        }
    }

    private func checkSigners(
        of document: SignedMetadata, role: RoleName, by signers: RoleSigners
    ) throws(UpdateError) {
        let found = signers.ring.signerCount(of: document, by: signers.keys)
        guard found >= signers.keys.threshold else {
            throw .tooFewSigners(
                role, delegator: signers.delegator, delegatorVersion: signers.delegatorVersion, found: found,
                threshold: signers.keys.threshold)
        }
    }
}
