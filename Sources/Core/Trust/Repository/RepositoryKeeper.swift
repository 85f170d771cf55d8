package import UpdateFramework

/// How long documents count.
package struct MetadataLifetimes: Hashable, Sendable {
    /// Seconds of a timestamp; after so long without the keeper nothing is fresh.
    package var timestamp: Int64 = 86_400
    /// Seconds after which a timestamp is signed again.
    package var timestampRenewal: Int64 = 15 * 60
    /// Seconds of a snapshot; it is signed again after half of them.
    package var snapshot: Int64 = 7 * 86_400
    /// Seconds of a set's role; every publish signs it again.
    package var set: Int64 = 90 * 86_400
    /// Seconds of root and targets.
    package var offline: Int64 = 365 * 86_400

    /// The values of a fleet.
    package init() {}
}

/// Signs which documents belong together and that they are the newest: snapshot and timestamp, with the fleet's online
/// key. What it is given to list is verified by whoever takes the result, itself first of all.
package struct RepositoryKeeper: Sendable {
    private let profile: MetadataProfile
    private let signer: any MetadataSigner
    private let lifetimes: MetadataLifetimes

    /// The keeper of `fleet`'s repository.
    package init(fleet: String, signer: any MetadataSigner, lifetimes: MetadataLifetimes = MetadataLifetimes()) {
        profile = .fleet(Array(fleet.utf8))
        self.signer = signer
        self.lifetimes = lifetimes
    }

    /// `documents` with a new timestamp, and with a new snapshot if they are others than it lists or it is half over.
    ///
    /// - Parameters:
    ///   - documents: the newest of every role; a snapshot and a timestamp among them are those of this keeper.
    ///   - versions: the highest versions of snapshot and timestamp that were ever verified.
    /// Throws ``UpdateError`` if a document cannot be read, and what the signer throws.
    package func sign(
        _ documents: RepositoryDocuments, above versions: MetadataVersions, now: MetadataTime
    ) throws -> RepositoryDocuments {
        let listed = try self.listed(documents)
        var result = documents
        let held: SnapshotMetadata? = documents.documents[.snapshot].flatMap {
            isOwn($0) ? try? contents($0, of: .snapshot) : nil
        }
        var snapshotVersion = versions[.snapshot]
        if let held, held.version == snapshotVersion, held.lists(listed),
            held.expires.secondsSince1970 - now.secondsSince1970 > lifetimes.snapshot / 2
        {
            // It says all already.
        } else {
            snapshotVersion += 1
            let snapshot = SnapshotMetadata(
                version: snapshotVersion, expires: now.adding(lifetimes.snapshot), roles: listed)
            result.documents[.snapshot] = try document(snapshot, role: .snapshot)
        }
        let timestamp = TimestampMetadata(
            version: versions[.timestamp] + 1, expires: now.adding(lifetimes.timestamp),
            snapshot: MetadataDescription(version: snapshotVersion, of: result.documents[.snapshot]), signedAt: now)
        result.documents[.timestamp] = try document(timestamp, role: .timestamp)
        return result
    }

    /// What a snapshot of these documents lists: targets, and every role that it delegates to and that has a document.
    private func listed(_ documents: RepositoryDocuments) throws(UpdateError) -> [RoleName: MetadataDescription] {
        guard let bytes = documents.documents[.targets] else { throw .missing(.targets, version: nil) }
        let targets: TargetsMetadata = try contents(bytes, of: .targets)
        var listed = [RoleName.targets: MetadataDescription(version: targets.version, of: bytes)]
        for role in targets.delegations.map(\.role) {
            guard let bytes = documents.documents[role] else { continue }
            let contents: TargetsMetadata = try contents(bytes, of: role)
            listed[role] = MetadataDescription(version: contents.version, of: bytes)
        }
        return listed
    }

    /// Whether the key of today signed it: after a rotation what the old one signed says nothing.
    private func isOwn(_ bytes: [UInt8]) -> Bool {
        guard let document = try? SignedMetadata(bytes, byteCount: MetadataLimits.byteCount(of: .snapshot)),
            let key = signer.key.verifying
        else { return false }
        return document.signatures.contains { signature in
            signature.keyID == signer.key.id
                && signature.bytes.map { key.isValid($0, for: document.signedBytes) } == true
        }
    }

    private func contents<Contents: MetadataContents>(
        _ bytes: [UInt8], of role: RoleName
    ) throws(UpdateError) -> Contents {
        do {
            let document = try SignedMetadata(bytes, byteCount: MetadataLimits.byteCount(of: role))
            return try Contents(document.signed, profile: profile, schemes: .own)
        } catch {
            throw .badMetadata(role, error)
        }
    }

    private func document(_ contents: some MetadataContents, role: RoleName) throws -> [UInt8] {
        try MetadataWriter(profile: profile).document(contents, role: role, signers: [signer])
    }
}

extension SnapshotMetadata {
    /// Whether it lists exactly these.
    fileprivate func lists(_ roles: [RoleName: MetadataDescription]) -> Bool {
        listed.count == roles.count && roles.allSatisfy { description(of: $0.key) == $0.value }
    }
}

extension MetadataTime {
    /// The moment so many seconds later.
    package func adding(_ seconds: Int64) -> MetadataTime {
        let (sum, isOver) = secondsSince1970.addingReportingOverflow(seconds)
        return MetadataTime(secondsSince1970: isOver ? .max : sum)
    }
}
