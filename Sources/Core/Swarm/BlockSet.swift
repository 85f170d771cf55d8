/// Blocks of one cut, a bit each.
struct BlockSet: Hashable, Sendable {
    private(set) var words: [UInt64]

    /// An empty set with room for `count` blocks.
    init(count: Int) { words = Array(repeating: 0, count: (count + 63) / 64) }

    subscript(block: Int) -> Bool {
        get { words[block >> 6] & (1 << UInt64(block & 63)) != 0 }
        set {
            if newValue {
                words[block >> 6] |= 1 << UInt64(block & 63)
            } else {
                words[block >> 6] &= ~(1 << UInt64(block & 63))
            }
        }
    }

    mutating func formUnion(_ other: BlockSet) {
        for index in words.indices { words[index] |= other.words[index] }
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// How many blocks it has.
    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Gives `body` the blocks from `first` on, ascending, as long as it wants more.
    func forEach(from first: Int, _ body: (Int) -> Bool) {
        var index = first >> 6
        var keep = UInt64.max << UInt64(first & 63)
        while index < words.count {
            var word = words[index] & keep
            while word != 0 {
                guard body(index << 6 + word.trailingZeroBitCount) else { return }
                word &= word - 1
            }
            keep = .max
            index += 1
        }
    }

    /// Gives `body` the blocks that are in both sets, ascending from the word `first` on and then around, until it has
    /// looked at `limit`.
    func forEach(alsoIn other: BlockSet, fromWord first: Int = 0, limit: Int = .max, _ body: (Int) -> Void) {
        var seen = 0
        for step in 0..<words.count {
            let index = (first + step) % words.count
            var word = words[index] & other.words[index]
            while word != 0 {
                body(index << 6 + word.trailingZeroBitCount)
                word &= word - 1
                seen += 1
                if seen >= limit { return }
            }
        }
    }
}
