/// A set of ordinals of a chunk log: who has what, in a few bytes.
///
/// In memory one bit for each ordinal in every block of 65,536 that has one. On the wire a roaring bitmap of 32 bits in
/// the portable form of RoaringFormatSpec (docs/formats/ordinal-set.md), each block in the shortest of three forms.
package struct OrdinalSet: Hashable, Sendable {
    /// Ordinals are below this: the log of a set with more chunks is not swarmed over. 512 TiB at 256 KiB.
    package static let ordinalCeiling: UInt32 = 1 << 31

    static let wordCount = 1_024

    /// The bits of one block.
    struct Block: Hashable, Sendable {
        let key: UInt16
        var words: [UInt64]

        init(key: UInt16) {
            self.key = key
            words = Array(repeating: 0, count: OrdinalSet.wordCount)
        }

        var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
    }

    /// Ascending by key, none without a bit.
    private(set) var blocks: [Block] = []

    /// An empty set.
    package init() {}

    /// All ordinals of `range`.
    package init(_ range: Range<UInt32>) { insert(range) }

    /// The ordinals of a sequence, in any order.
    package init(_ ordinals: some Sequence<UInt32>) {
        for ordinal in ordinals { insert(ordinal) }
    }

    /// A set with blocks as decoded: ascending, none without a bit.
    init(blocks: [Block]) { self.blocks = blocks }

    package var isEmpty: Bool { blocks.isEmpty }

    /// How many ordinals it has.
    package var count: Int { blocks.reduce(0) { $0 + $1.count } }

    package func contains(_ ordinal: UInt32) -> Bool {
        guard let index = index(of: UInt16(ordinal >> 16)) else { return false }
        let bit = Int(ordinal & 0xFFFF)
        return blocks[index].words[bit >> 6] & (1 << UInt64(bit & 63)) != 0
    }

    package mutating func insert(_ ordinal: UInt32) {
        let index = ensureBlock(UInt16(ordinal >> 16))
        let bit = Int(ordinal & 0xFFFF)
        blocks[index].words[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    /// Adds all ordinals of `range`.
    package mutating func insert(_ range: Range<UInt32>) {
        forEachPart(of: range) { key, bits in
            let index = ensureBlock(key)
            Self.forEachMask(of: bits) { word, mask in blocks[index].words[word] |= mask }
        }
    }

    /// Takes all ordinals of `range` away.
    package mutating func remove(_ range: Range<UInt32>) {
        forEachPart(of: range) { key, bits in
            guard let index = index(of: key) else { return }
            Self.forEachMask(of: bits) { word, mask in blocks[index].words[word] &= ~mask }
            if blocks[index].words.allSatisfy({ $0 == 0 }) { blocks.remove(at: index) }
        }
    }

    package mutating func formUnion(_ other: OrdinalSet) {
        for block in other.blocks {
            let index = ensureBlock(block.key)
            for word in 0..<Self.wordCount { blocks[index].words[word] |= block.words[word] }
        }
    }

    /// What is in this set and not in `other`.
    package func subtracting(_ other: OrdinalSet) -> OrdinalSet {
        var result = OrdinalSet()
        for var block in blocks {
            if let index = other.index(of: block.key) {
                for word in 0..<Self.wordCount { block.words[word] &= ~other.blocks[index].words[word] }
            }
            if block.words.contains(where: { $0 != 0 }) { result.blocks.append(block) }
        }
        return result
    }

    /// The ordinals as ranges that do not touch, ascending.
    package var ranges: [Range<UInt32>] {
        var ranges: [Range<UInt32>] = []
        for block in blocks {
            let first = UInt32(block.key) << 16
            for run in Self.runs(of: block) {
                let range = first + UInt32(run.lowerBound)..<first + UInt32(run.upperBound)
                if let last = ranges.last, last.upperBound == range.lowerBound {
                    ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
                } else {
                    ranges.append(range)
                }
            }
        }
        return ranges
    }

    /// Runs of bits of one block: 0..<65,536.
    static func runs(of block: Block) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for (index, word) in block.words.enumerated() where word != 0 {
            var rest = word
            var shifted = 0
            while rest != 0 {
                let zeros = rest.trailingZeroBitCount
                rest >>= UInt64(zeros)
                shifted += zeros
                let ones = (~rest).trailingZeroBitCount
                let first = index * 64 + shifted
                if let last = runs.last, last.upperBound == first {
                    runs[runs.count - 1] = last.lowerBound..<first + ones
                } else {
                    runs.append(first..<first + ones)
                }
                rest = ones == 64 ? 0 : rest >> UInt64(ones)
                shifted += ones
            }
        }
        return runs
    }

    // MARK: Parts

    /// Where the block with `key` is, or would be.
    private func place(of key: UInt16) -> Int {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func index(of key: UInt16) -> Int? {
        let place = place(of: key)
        return place < blocks.count && blocks[place].key == key ? place : nil
    }

    private mutating func ensureBlock(_ key: UInt16) -> Int {
        let place = place(of: key)
        if place == blocks.count || blocks[place].key != key { blocks.insert(Block(key: key), at: place) }
        return place
    }

    private func forEachPart(of range: Range<UInt32>, _ body: (UInt16, Range<Int>) -> Void) {
        var next = UInt64(range.lowerBound)
        while next < UInt64(range.upperBound) {
            let end = min(UInt64(range.upperBound), (next | 0xFFFF) + 1)
            body(UInt16(next >> 16), Int(next & 0xFFFF)..<Int(next & 0xFFFF) + Int(end - next))
            next = end
        }
    }

    private static func forEachMask(of bits: Range<Int>, _ body: (Int, UInt64) -> Void) {
        var next = bits.lowerBound
        while next < bits.upperBound {
            let end = min(bits.upperBound, (next | 63) + 1)
            let count = end - next
            let ones: UInt64 = count == 64 ? .max : (1 << UInt64(count)) - 1
            body(next >> 6, ones << UInt64(next & 63))
            next = end
        }
    }
}
