package import Content

/// Why a signed release is refused. Each case is one broken rule, with the values that show it.
package enum TrustError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The policy names no publisher at all.
    case noPublishers(fleet: String)
    /// There is no signature.
    case unsigned
    /// There are signatures, none by a key of the policy.
    case unknownSigners([PublisherKeyID])
    /// A key of the policy is named, and the signature is not its own over these bytes.
    case wronglySigned(by: PublisherPublicKey)
    /// Fewer keys have signed than the policy asks for.
    case tooFewSigners(found: Int, threshold: Int)
    /// The signed bytes are no release document that this program reads.
    case badDocument(ReleaseDocumentError)
    /// A release of another fleet.
    case otherFleet(expected: String, found: String)
    /// A release of another content set.
    case otherSet(expected: String, found: String)
    /// The release is older than the one that is trusted already.
    case lowerSequence(held: UInt64, found: UInt64)
    /// Two releases with one sequence: the publisher, or somebody with the key, signed two histories.
    case sameSequenceOtherDigest(sequence: UInt64, held: ReleaseDigest, found: ReleaseDigest)

    package var description: String {
        switch self {
        case .noPublishers(let fleet):
            "no publisher key of fleet \(fleet) is known here: name one under `trust: publishers:`"
        case .unsigned:
            "the release is not signed: publish it with `fleetctl publish`, which signs"
        case .unknownSigners(let ids):
            "the release is signed by \(ids.map(\.fingerprint).joined(separator: ", ")), none of them a publisher of"
                + " this fleet: if one should be, add its public key under `trust: publishers:`"
        case .wronglySigned(let key):
            "the release carries a signature in the name of \(key.fingerprint) that is not by this key over these"
                + " bytes: it was changed on the way or forged; fetch it from another source"
        case .tooFewSigners(let found, let threshold):
            "the release is signed by \(found) publishers, \(threshold) are needed: collect the missing signatures"
        case .badDocument(let error):
            "\(error)"
        case .otherFleet(let expected, let found):
            "the release is for fleet \(found), this is fleet \(expected): give each fleet its own publisher key"
        case .otherSet(let expected, let found):
            "the release is of set \(found), set \(expected) was asked for: ask another source"
        case .lowerSequence(let held, let found):
            "the release has sequence \(found), release \(held) is trusted already: to go back, publish the old tree as"
                + " a new release"
        case .sameSequenceOtherDigest(let sequence, let held, let found):
            "there are two releases with sequence \(sequence), \(held) is trusted and \(found) is not: the publisher"
                + " signed twice; publish again with a higher sequence, and find out who signed"
        }
    }
}
