import FleetModel
import Testing

@Suite struct QuorumWaitTests {
    @Test func `A mirror serves once enough hold the release, and gives the attempt up after five minutes`() {
        let few = ReceiptCount(have: 1, need: 2)
        #expect(QuorumWait(few, after: .zero) == .wait)
        #expect(QuorumWait(few, after: .seconds(300) - .nanoseconds(1)) == .wait)
        #expect(QuorumWait(few, after: .seconds(300)) == .giveUp)
        #expect(QuorumWait(ReceiptCount(have: 2, need: 2), after: .zero) == .serve)
    }

    @Test func `Enough are enough however late they came, and a number that was signed anew counts at once`() {
        #expect(QuorumWait(ReceiptCount(have: 3, need: 2), after: .seconds(3_600)) == .serve)
        #expect(QuorumWait(ReceiptCount(have: 1, need: 0), after: .seconds(1)) == .serve)
        #expect(QuorumWait(ReceiptCount(have: 2, need: 3), after: .seconds(1)) == .wait)
    }
}
