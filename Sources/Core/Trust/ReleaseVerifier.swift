package import Content
package import UpdateFramework

/// The release that a node has verified last: the floor for what it accepts next.
package struct TrustedHead: Hashable, Sendable {
    /// Its sequence.
    package let sequence: UInt64
    /// The digest of its document.
    package let digest: ReleaseDigest

    /// The head as it was recorded.
    package init(sequence: UInt64, digest: ReleaseDigest) {
        self.sequence = sequence
        self.digest = digest
    }
}

/// A release that the role of its set names, and whose fleet, set and sequence were verified. Only ``ReleaseVerifier`` can
/// make one, so a function that takes it cannot be given anything else.
package struct VerifiedRelease: Sendable {
    /// What the publisher signed.
    package let document: ReleaseDocument
    /// Its bytes, to be stored and passed on.
    package let bytes: [UInt8]
    /// The digest of the document.
    package let digest: ReleaseDigest

    /// The floor for the release that comes next.
    package var head: TrustedHead { TrustedHead(sequence: document.sequence, digest: digest) }

    fileprivate init(document: ReleaseDocument, bytes: [UInt8]) {
        self.document = document
        self.bytes = bytes
        digest = ReleaseDocument.digest(of: bytes)
    }
}

/// Decides whether a release may be believed. Pure: whoever calls it keeps the trusted head, and stores it before the
/// release is acted on.
package enum ReleaseVerifier {
    /// Applies every rule, in this order: the role of the set names the release, which is fresh if `freshAt` is given;
    /// the bytes are the ones named; the document's form, fleet, set and sequence; its sequence against `head`.
    ///
    /// - Parameters:
    ///   - bytes: the document, from whomever.
    ///   - repository: what is signed.
    ///   - head: the newest release of the set that this node has verified; nil if none. The same release again is
    ///     accepted, so that a transfer can be resumed. Gaps in the sequence are allowed.
    ///   - freshAt: the time at which metadata must not have expired; nil for a release that was verified before.
    /// Throws ``TrustError``.
    package static func verify(
        _ bytes: [UInt8], sequence: UInt64, ofSet set: String, fleet: String, by repository: VerifiedRepository,
        above head: TrustedHead?, freshAt: MetadataTime?
    ) throws(TrustError) -> VerifiedRelease {
        let target = try target(sequence, set, repository)
        if let freshAt {
            let until = repository.freshUntil(ofSet: set)
            guard freshAt < until else { throw .stale(set: set, since: until) }
        }
        let verified: VerifiedTargetBytes
        do {
            verified = try target.verify(bytes)
        } catch {
            throw .metadata(error)
        }
        let document: ReleaseDocument
        do {
            document = try ReleaseDocument(decoding: verified.bytes)
        } catch {
            throw .badDocument(error)
        }
        guard document.fleet == fleet else { throw .otherFleet(expected: fleet, found: document.fleet) }
        guard document.set == set else { throw .otherSet(expected: set, found: document.set) }
        guard document.sequence == sequence else {
            throw .otherSequence(expected: sequence, found: document.sequence)
        }
        let release = VerifiedRelease(document: document, bytes: verified.bytes)
        if let head {
            guard sequence >= head.sequence else { throw .lowerSequence(held: head.sequence, found: sequence) }
            guard sequence > head.sequence || release.digest == head.digest else {
                throw .sameSequenceOtherDigest(sequence: sequence, held: head.digest, found: release.digest)
            }
        }
        return release
    }

    private static func target(
        _ sequence: UInt64, _ set: String, _ repository: VerifiedRepository
    ) throws(TrustError) -> VerifiedTarget {
        let target: VerifiedTarget?
        do {
            target = try repository.target(FleetRoles.release(sequence, ofSet: set), ofSet: set)
        } catch {
            throw .metadata(error)
        }
        guard let target else {
            guard repository.signers(ofSet: set) != nil else { throw .unknownSet(set) }
            throw .notNamed(set: set, sequence: sequence, newest: repository.sequences(ofSet: set).last)
        }
        return target
    }
}
