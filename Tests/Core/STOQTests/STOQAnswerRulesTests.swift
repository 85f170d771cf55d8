import STOQ
import Testing

@Suite struct STOQAnswerRulesTests {
    private func answer(_ items: [(index: Int, count: Int, isLast: Bool)], absent: [Int] = []) throws -> STOQAnswer {
        var builder = STOQAnswer.Builder()
        for item in items {
            builder.add(item.index, [UInt8](repeating: 7, count: item.count)[...], isLast: item.isLast)
        }
        for index in absent { builder.addAbsent(index) }
        return try STOQAnswer(builder.take())
    }

    @Test func `an answer may bring items in any order, in parts, and say what is absent`() throws {
        var rules = STOQAnswerRules(limits: [10, 200_000, 10])
        try rules.check(answer([(2, 10, true), (1, 100_000, false)]))
        try rules.check(answer([(1, 100_000, true)], absent: [0]))
        try rules.checkEnd()
    }

    @Test func `a message that says nothing, a position twice and one unknown are refused`() throws {
        var rules = STOQAnswerRules(limits: [10, 10])
        #expect(throws: STOQAnswerError.empty) { try rules.check(answer([])) }
        #expect(throws: STOQAnswerError.notAskedFor(index: 2)) { try rules.check(answer([(2, 1, true)])) }
        try rules.check(answer([(0, 1, true)], absent: [1]))
        #expect(throws: STOQAnswerError.answeredBefore(index: 0)) { try rules.check(answer([(0, 1, true)])) }
        #expect(throws: STOQAnswerError.answeredBefore(index: 1)) { try rules.check(answer([], absent: [1])) }
    }

    @Test func `an item without end is cut off at what it can have`() throws {
        var rules = STOQAnswerRules(limits: [1 << 20])
        for _ in 0..<16 { try rules.check(answer([(0, STOQAnswerRules.partFloor, false)])) }
        #expect(throws: STOQAnswerError.tooLong(index: 0, limit: 1 << 20)) {
            try rules.check(answer([(0, STOQAnswerRules.partFloor, false)]))
        }
    }

    @Test func `parts that are tiny, empty, mixed, or not allowed are refused`() throws {
        var rules = STOQAnswerRules(limits: [1 << 20, 1 << 20])
        #expect(throws: STOQAnswerError.shortPart(index: 0, byteCount: 0)) { try rules.check(answer([(0, 0, false)])) }
        var mixed = STOQAnswerRules(limits: [1 << 20, 1 << 20])
        #expect(throws: STOQAnswerError.partsAreMixed(index: 0)) {
            try mixed.check(answer([(0, 70_000, false), (1, 1, true)]))
        }
        var whole = STOQAnswerRules(limits: [1 << 20], allowsParts: false)
        #expect(throws: STOQAnswerError.partial(index: 0)) { try whole.check(answer([(0, 70_000, false)])) }
        var open = STOQAnswerRules(limits: [1 << 20])
        try open.check(answer([(0, 70_000, false)]))
        #expect(throws: STOQAnswerError.endIsMissing(index: 0)) { try open.checkEnd() }
    }
}
