import Hashing

/// Decides where a node ends: a function of the keys and link targets from the node's own start, and of nothing else. So
/// equal sets of entries make equal trees, and after an edit the boundaries soon fall where they fell before.
///
/// With S the accumulated weight, an item ends its node with the conditional probability of a Weibull distribution with
/// shape 4 and scale 4,096 (after Dolt's prolly trees): sizes stay close to the target, and an attacker who can choose
/// names gains little. Two bounds are added: never before the eighth item, so that the tree is shallow however long the
/// names are, and never with a probability above one half, so that boundaries find each other again also in sets of
/// very long names. When a further item might not fit in 64 KiB, the node ends in any case.
struct BoundaryRule {
    /// What an item weighs beside its key and link target: about the other fields of its encoding.
    static let itemWeight = 48
    /// No node but the last of its level has fewer items, unless it is full.
    static let minimumItemCount = 8
    /// An encoded item is never longer than its key, its link target and this: two length varints (4), flags (1), time
    /// (10), size (9), two digests (64) and one of each further algorithm (148) are 236.
    static let itemReserve = 256
    /// The reserve of the largest possible item.
    static let largestReserve = RelativePath.maximumByteCount + ManifestLimits.linkTargetByteCount + itemReserve
    /// Above this sum of reserves a further item might not fit in the node.
    static let fullReserve = ManifestLimits.nodeByteCount - ManifestNode.headerByteCount - largestReserve

    private let level: Int
    private var itemCount = 0
    private var weight = 0
    private var reserve = 0

    init(level: Int) {
        self.level = level
    }

    /// Whether no item was added since the last boundary.
    var isAtNodeStart: Bool { itemCount == 0 }

    /// Adds the next item of the node; true if it is the node's last. Then the rule stands at the start of a new node.
    mutating func endsNode(after key: [UInt8], targetByteCount: Int) -> Bool {
        let before = weight
        if add(byteCount: key.count + targetByteCount) { return true }
        guard itemCount >= Self.minimumItemCount, Self.cuts(key, level: level, from: before, to: weight) else {
            return false
        }
        restart()
        return true
    }

    /// Like `endsNode(after:targetByteCount:)`, but true only if the node is full: for readers of trusted nodes, who
    /// need the limits but not the boundaries.
    mutating func fillsNode(after key: [UInt8], targetByteCount: Int) -> Bool {
        add(byteCount: key.count + targetByteCount)
    }

    /// Begins a new node without a boundary: after the last item of a level.
    mutating func restart() {
        itemCount = 0
        weight = 0
        reserve = 0
    }

    private mutating func add(byteCount: Int) -> Bool {
        itemCount += 1
        weight += byteCount + Self.itemWeight
        reserve += byteCount + Self.itemReserve
        guard reserve > Self.fullReserve else { return false }
        restart()
        return true
    }

    /// The drawn part of the rule: the key's hash against the chance that a node of weight `from` ends at weight `to`.
    private static func cuts(_ key: [UInt8], level: Int, from: Int, to: Int) -> Bool {
        let chanceBefore = BoundaryTable.survival(at: from)
        let chanceAfter = BoundaryTable.survival(at: to)
        guard chanceAfter < chanceBefore else { return false }
        // Each level looks at another word, or a boundary of one level would be one of all levels above.
        let word = ManifestContexts.boundary.hash(key).withUnsafeBytes {
            UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 4 * (level % 8), as: UInt32.self))
        }
        guard word >= 1 << 31 else { return false }
        let (goesOn, _) = chanceBefore.multipliedFullWidth(by: UInt64(word) << 32)
        return goesOn >= chanceAfter
    }
}
