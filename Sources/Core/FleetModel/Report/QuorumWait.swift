/// Decides what a mirror does that holds all of a release and waits until enough mirrors do (decision 0017). Pure: whoever
/// waits counts receipts and says for how long it has.
package enum QuorumWait: Sendable, Hashable {
    /// Enough mirrors hold the release: it is served now.
    case serve
    /// Too few do yet.
    case wait
    /// Too few did for as long as an attempt waits; the next one goes on from what is here.
    case giveUp

    /// An attempt waits no longer than this for receipts: a host that is away may come back, and a plan may name others.
    package static let patience = Duration.seconds(300)

    /// What to do with `count` receipts after `waited`. Enough are enough, however late they came.
    package init(_ count: ReceiptCount, after waited: Duration) {
        self = count.have >= count.need ? .serve : waited < Self.patience ? .wait : .giveUp
    }
}
