package import Content
package import UpdateFramework

/// Why a release is refused. Each case is one broken rule, with the values that show it.
package enum TrustError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The metadata that leads to the release, or its bytes, are not right.
    case metadata(UpdateError)
    /// The fleet's targets role trusts nobody with the set.
    case unknownSet(String)
    /// The role of the set does not name the release.
    case notNamed(set: String, sequence: UInt64, newest: UInt64?)
    /// What leads to the release has expired: somebody may withhold what is newer.
    case stale(set: String, since: MetadataTime)
    /// No list of yanked paths is signed for the set.
    case notYanked(String)
    /// The signed bytes are no list of yanked paths that this program reads.
    case badYankList(String, reason: String)
    /// The signed bytes are no release document that this program reads.
    case badDocument(ReleaseDocumentError)
    /// A release of another fleet.
    case otherFleet(expected: String, found: String)
    /// A release of another content set.
    case otherSet(expected: String, found: String)
    /// Another release than the one whose name it was signed under.
    case otherSequence(expected: UInt64, found: UInt64)
    /// The release is older than the one that is trusted already.
    case lowerSequence(held: UInt64, found: UInt64)
    /// Two releases with one sequence: the publisher, or somebody with the key, signed two histories.
    case sameSequenceOtherDigest(sequence: UInt64, held: ReleaseDigest, found: ReleaseDigest)

    /// Whether other metadata can make the release right; else it is wrong in itself, or too old.
    package var isCuredByMetadata: Bool {
        switch self {
        case .metadata, .unknownSet, .notNamed, .stale, .notYanked: true
        case .badYankList, .badDocument, .otherFleet, .otherSet, .otherSequence, .lowerSequence,
            .sameSequenceOtherDigest:
            false
        }
    }

    package var description: String {
        switch self {
        case .metadata(let error): "\(error)"
        case .unknownSet(let set):
            "no key of this fleet may sign releases of set \(set): on the operator's machine, run fleetctl trust delegate"
                + " \(set)"
        case .notNamed(let set, let sequence, let newest):
            "release \(sequence) of \(set) is not one that the keys of the set signed"
                + (newest.map { ", the newest is \($0)" } ?? ", they signed none")
                + ": it is forged, or its metadata is on"
                + " the way"
        case .stale(let set, let since):
            "freshness expired since \(since): nobody with the fleet's online key has said since then what the newest"
                + " release of \(set) is; is the keeper's agent running, and is this host's clock right?"
        case .notYanked(let set):
            "nothing of \(set) was yanked by the keys of the set"
        case .badYankList(let set, let reason):
            "the list of yanked paths of \(set) cannot be read: \(reason): update this program, or yank again"
        case .badDocument(let error):
            "\(error)"
        case .otherFleet(let expected, let found):
            "the release is for fleet \(found), this is fleet \(expected): give each fleet its own keys"
        case .otherSet(let expected, let found):
            "the release is of set \(found), set \(expected) was asked for: ask another source"
        case .otherSequence(let expected, let found):
            "the document of release \(found) was signed as release \(expected): publish again"
        case .lowerSequence(let held, let found):
            "the release has sequence \(found), release \(held) is trusted already: to go back, publish the old tree as"
                + " a new release"
        case .sameSequenceOtherDigest(let sequence, let held, let found):
            "there are two releases with sequence \(sequence), \(held) is trusted and \(found) is not: the publisher"
                + " signed twice; publish again with a higher sequence, and find out who signed"
        }
    }
}
