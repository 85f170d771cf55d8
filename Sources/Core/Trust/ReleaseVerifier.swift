package import Content

/// A release whose signatures, fleet, set and sequence were verified. Only ``ReleaseVerifier`` can make one, so a
/// function that takes it cannot be given anything else.
package struct VerifiedRelease: Hashable, Sendable {
    /// What the publisher signed.
    package let document: ReleaseDocument
    /// The bytes and signatures that it came from, to be stored and passed on.
    package let signed: SignedRelease
    /// The digest of the document.
    package let digest: ReleaseDigest
    /// Keys of the policy whose signatures are right, ascending.
    package let signers: [PublisherPublicKey]

    /// The floor for the release that comes next.
    package var head: TrustedHead { TrustedHead(sequence: document.sequence, digest: digest) }

    fileprivate init(document: ReleaseDocument, signed: SignedRelease, signers: [PublisherPublicKey]) {
        self.document = document
        self.signed = signed
        self.digest = signed.digest
        self.signers = signers
    }
}

/// Decides whether a signed release may be believed. Pure: whoever calls it keeps the trusted head, and stores it
/// before the release is acted on.
package enum ReleaseVerifier {
    /// Applies every rule of the policy, in this order: signatures over the bytes, then the document's form, its fleet,
    /// its set, and its sequence against `head`.
    ///
    /// `head` is the newest release of the set that this node has verified; nil if none. The same release again is
    /// accepted, so that a transfer can be resumed. Gaps in the sequence are allowed. Throws ``TrustError``.
    package static func verify(
        _ signed: SignedRelease, policy: ReleasePolicy, set: String, above head: TrustedHead?
    ) throws(TrustError) -> VerifiedRelease {
        let signers = try verifySignatures(signed, policy: policy)
        let document: ReleaseDocument
        do {
            document = try ReleaseDocument(decoding: signed.document)
        } catch {
            throw .badDocument(error)
        }
        guard document.fleet == policy.fleet else {
            throw .otherFleet(expected: policy.fleet, found: document.fleet)
        }
        guard document.set == set else { throw .otherSet(expected: set, found: document.set) }
        let release = VerifiedRelease(document: document, signed: signed, signers: signers)
        if let head {
            guard document.sequence >= head.sequence else {
                throw .lowerSequence(held: head.sequence, found: document.sequence)
            }
            guard document.sequence > head.sequence || release.digest == head.digest else {
                throw .sameSequenceOtherDigest(sequence: head.sequence, held: head.digest, found: release.digest)
            }
        }
        return release
    }

    /// Counts different public keys of the policy with a right signature, whatever the key ids say. A signature that
    /// is wrong, or by an unknown key, neither counts nor spoils the others.
    static func verifySignatures(
        _ signed: SignedRelease, policy: ReleasePolicy
    ) throws(TrustError) -> [PublisherPublicKey] {
        guard !policy.publishers.isEmpty else { throw .noPublishers(fleet: policy.fleet) }
        guard !signed.signatures.isEmpty else { throw .unsigned }
        var signers: [PublisherPublicKey] = []
        var wrong: PublisherPublicKey?
        for key in policy.publishers {
            let keyID = key.keyID
            guard let signature = signed.signatures.first(where: { $0.keyID == keyID }),
                signature.algorithm == .ed25519
            else { continue }
            if key.isValid(signature.bytes, forDocument: signed.document) {
                signers.append(key)
            } else if wrong == nil {
                wrong = key
            }
        }
        guard signers.count < policy.threshold else { return signers }
        if let wrong { throw .wronglySigned(by: wrong) }
        guard !signers.isEmpty else { throw .unknownSigners(signed.signatures.map(\.keyID)) }
        throw .tooFewSigners(found: signers.count, threshold: policy.threshold)
    }
}
