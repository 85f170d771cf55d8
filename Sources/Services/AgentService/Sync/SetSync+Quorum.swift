import Content
import FleetModel
import Logging
import STOQTransport
import Store
import Trust
import UpdateFramework

/// Waiting until enough mirrors hold a release before it is served (decision 0017).
extension SetSync {
    /// How often others are asked while nobody greets.
    private static let askInterval = Duration.seconds(2)

    /// Makes everything durable that the release names, signs that it is here, and returns once so many mirrors have said
    /// the same as the signed policy and agent.yaml ask for. A repair of what is served waits for nobody.
    /// - Throws: `SyncError.tooFewReceipts`, and what the store throws.
    func awaitQuorum(_ release: VerifiedRelease, _ session: FetchSession, _ meter: SyncMeter) async throws {
        let head = try await pool.run { [store, line] in try store.head(set: line.set) }
        let sequence = release.document.sequence
        guard quorum > 0, head?.releaseDigest != release.digest else { return }
        guard let receipts else {
            throw SyncError.tooFewReceipts(set: line.set, sequence: sequence, 0, of: quorum)
        }
        meter.enter("hold")
        show(meter, isNews: true)
        let trees = TreePolicy(line)
        try await pool.run { [line] in
            try session.hold(trees)
            try receipts.known.hold(release.digest, sequence: sequence, ofSet: line.set)
        }
        // Who waits for the same asks now, or learns of it from the coordinator.
        await receipts.endpoint.announce()
        // Beside this task, and not waited for: a peer that cannot be reached holds nobody up.
        let asker = Task { await keepAsking(for: release, receipts) }
        defer { asker.cancel() }
        let began = ContinuousClock.now
        waiting: while true {
            try Task.checkCancellation()
            let seen = receipts.known.news.count
            // Asked for each time: the policy may have become another one.
            let count = ReceiptCount(have: held(release, receipts), need: quorum)
            switch QuorumWait(count, after: ContinuousClock.now - began) {
            case .serve: break waiting
            case .giveUp:
                throw SyncError.tooFewReceipts(set: line.set, sequence: sequence, count.have, of: count.need)
            case .wait:
                meter.wait(receipts: count)
                show(meter, isNews: true)
                await receipts.known.news.wait(after: seen, atMost: Self.askInterval)
            }
        }
        logger.info(
            "enough mirrors hold a release",
            metadata: [
                "set": "\(line.set)", "sequence": "\(sequence)", "receipts": "\(held(release, receipts))",
                "wanted": "\(quorum)",
            ])
    }

    /// Asks whenever somebody greets, and every now and then, until the task is cancelled.
    private func keepAsking(for release: VerifiedRelease, _ receipts: ReceiptExchange) async {
        while !Task.isCancelled {
            let seen = receipts.known.news.count
            await receipts.ask(line.sources + line.peers, for: release.digest, ofSet: line.set, as: host)
            await receipts.known.news.wait(after: seen, atMost: Self.askInterval)
        }
    }

    private var quorum: Int { limits.flipQuorum(under: trust.policy(ofSet: line.set)) }

    private func held(_ release: VerifiedRelease, _ receipts: ReceiptExchange) -> Int {
        let policy = trust.policy(ofSet: line.set)
        return receipts.known.count(of: release.digest, ofSet: line.set) { policy.mayFetch($0) }
    }
}
