/// Why a message is no part of an answer that a request can have.
package enum STOQAnswerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It has an item at a position that was not asked for.
    case notAskedFor(index: Int)
    /// The position was answered before.
    case answeredBefore(index: Int)
    /// The item is longer than what is at the position can be.
    case tooLong(index: Int, limit: Int)
    /// It goes on with another item although one is not at its end.
    case partsAreMixed(index: Int)
    /// It has a part of an item that may not come in parts.
    case partial(index: Int)
    /// It has a part that does not end its item, and hardly any bytes.
    case shortPart(index: Int, byteCount: Int)
    /// It has neither an item nor says that one is absent.
    case empty
    /// The answer is over, and the end of an item did not come.
    case endIsMissing(index: Int)

    package var description: String {
        switch self {
        case .notAskedFor(let index): "item \(index) was not asked for"
        case .answeredBefore(let index): "item \(index) was answered before"
        case .tooLong(let index, let limit): "item \(index) has more than the \(limit) bytes that it can have"
        case .partsAreMixed(let index): "the parts of item \(index) are mixed up with others"
        case .partial(let index): "item \(index) comes in parts"
        case .shortPart(let index, let count): "a part of item \(index) came in a message of \(count) bytes"
        case .empty: "a message says nothing"
        case .endIsMissing(let index): "the end of item \(index) is missing"
        }
    }
}

/// Bounds an answer by what its request can need: every message brings at least one position nearer to its end, and no
/// item is longer than it can be. So whatever a peer sends, an answer has at most as many messages as positions, and one
/// more for every ``partFloor`` bytes.
///
/// A pure machine: give every message to ``check(_:)``, call ``checkEnd()`` after the last.
package struct STOQAnswerRules: Sendable {
    /// A message with a part that does not end its item has at least as many bytes of items.
    package static let partFloor = 64 << 10

    private let limits: [Int]
    private let allowsParts: Bool
    private var isAnswered: [Bool]
    private var partial: (index: Int, byteCount: Int)?

    /// - Parameters:
    ///   - limits: the most bytes that the item at each position can have.
    ///   - allowsParts: whether items may go over several messages.
    package init(limits: [Int], allowsParts: Bool = true) {
        self.limits = limits
        self.allowsParts = allowsParts
        isAnswered = Array(repeating: false, count: limits.count)
    }

    /// Takes the next message of the answer. Throws ``STOQAnswerError``; the answer is of no use then.
    package mutating func check(_ answer: STOQAnswer) throws(STOQAnswerError) {
        guard !answer.items.isEmpty || !answer.absent.isEmpty else { throw .empty }
        let byteCount = answer.items.last?.range.upperBound ?? 0
        for item in answer.items {
            try open(item.index)
            var before = 0
            if let partial {
                guard partial.index == item.index else { throw .partsAreMixed(index: partial.index) }
                before = partial.byteCount
            }
            // Both are below the length of a message and a limit, so the sum is a number.
            let sum = before + item.range.count
            guard sum <= limits[item.index] else { throw .tooLong(index: item.index, limit: limits[item.index]) }
            if item.isLast {
                isAnswered[item.index] = true
                partial = nil
                continue
            }
            guard allowsParts else { throw .partial(index: item.index) }
            guard byteCount >= Self.partFloor else { throw .shortPart(index: item.index, byteCount: byteCount) }
            partial = (item.index, sum)
        }
        for index in answer.absent {
            try open(index)
            if let partial, partial.index == index { throw .partsAreMixed(index: index) }
            isAnswered[index] = true
        }
    }

    /// Says that the answer is over. Positions of which it said nothing count as absent.
    /// - Throws: `STOQAnswerError` if an item was begun and not ended.
    package func checkEnd() throws(STOQAnswerError) {
        if let partial { throw .endIsMissing(index: partial.index) }
    }

    private func open(_ index: Int) throws(STOQAnswerError) {
        guard index < limits.count else { throw .notAskedFor(index: index) }
        guard !isAnswered[index] else { throw .answeredBefore(index: index) }
    }
}
