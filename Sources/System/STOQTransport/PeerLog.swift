import Logging
import Synchronization

/// Log lines about peers, each kind at most once a minute for each peer, so that no peer can fill a disk.
final class PeerLog: Sendable {
    private struct Key: Hashable {
        let message: String
        let peer: String
    }

    private struct Entry {
        var loggedAt: ContinuousClock.Instant
        var suppressed = 0
    }

    private static let interval = Duration.seconds(60)
    private static let entryLimit = 256

    private let logger: Logger
    private let entries = Mutex<[Key: Entry]>([:])

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Logs `message`, which is always the same words; what differs is `peer` and `reason`.
    func warn(_ message: StaticString, peer: String, reason: String) {
        let now = ContinuousClock.now
        let key = Key(message: "\(message)", peer: peer)
        let suppressed: Int? = entries.withLock { entries in
            if let entry = entries[key], now - entry.loggedAt < Self.interval {
                entries[key]?.suppressed += 1
                return nil
            }
            if entries.count >= Self.entryLimit {
                entries = entries.filter { now - $0.value.loggedAt < Self.interval }
                // So many different peers within a minute are noise themselves.
                if entries.count >= Self.entryLimit { return nil }
            }
            let suppressed = entries[key]?.suppressed ?? 0
            entries[key] = Entry(loggedAt: now)
            return suppressed
        }
        guard let suppressed else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)", "reason": "\(reason)"]
        if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
        logger.warning("\(message)", metadata: metadata)
    }
}
