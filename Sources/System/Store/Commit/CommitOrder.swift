/// The order in which a release becomes durable, as values: group commits and activations walk through these lists, and
/// tests run the same lists through every crash and power cut of a small disk.
package enum CommitOrder {
    /// A group of blobs.
    package static let group: [CommitStep] = [
        .noteNames, .moveBlobs, .syncBlobs, .recordBlobs, .forgetNames, .tellIndex,
    ]

    /// A release whose blobs, lists and nodes were stored: until it is held.
    package static let hold: [CommitStep] = [
        .makeVariants, .noteTimes, .proveClosure, .syncIndex, .keepRelease, .holdRelease,
    ]

    /// After the head, in the background: trees that nobody can be in any more go.
    package static let tending: [CommitStep] = [.removeTrees]

    /// A release that is held: until it is the head.
    /// - Parameters:
    ///   - hasTree: a tree of its sequence has its final name already: a session before this one was cut off, or this
    ///     one repairs the head.
    ///   - isDamaged: something of the set was found missing or wrong.
    ///   - changesTimes: inodes were noted whose times change in place: after the sync that made their new names
    ///     durable, and as late as can be, since the tree that is still served shows the new times from then on.
    package static func activation(hasTree: Bool, isDamaged: Bool, changesTimes: Bool = false) -> [CommitStep] {
        var steps: [CommitStep] = []
        if !hasTree { steps += [.linkTree, .syncTree, .nameTree, .syncTreeName] }
        // A name that a killed process gave is not known to be durable before this session's own syncs.
        if hasTree || isDamaged { steps += [.repairTrees, .syncRepairs] }
        if changesTimes { steps += [.changeTimes, .syncTimes] }
        return steps + [.renameLink, .syncLink, .recordHead]
    }

    /// Whether a start records the release that a set's link shows as the head: a flip was cut off before that.
    ///
    /// The link is renamed after the release was proved complete and held, so nothing more is looked at; it is synced
    /// before the head is recorded.
    package static func recordsFlip(linked: UInt64, head: UInt64?, isHeld: Bool) -> Bool {
        isHeld && head.map { linked > $0 } ?? true
    }
}
