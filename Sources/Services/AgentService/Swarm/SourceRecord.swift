import FleetModel
import LinuxIO
import Logging
import Swarm
import Synchronization

/// What this host remembers of the mirrors that it took chunks from, over syncs and restarts: one that sent wrong bytes is
/// left out of swarms until its time is over.
final class SourceRecord: Sendable {
    private static let name = "reputation"
    private static let temporaryName = ".reputation.new"
    private static let sizeLimit = 1 << 20

    private let folder: Folder
    private let clock: WallClock
    private let logger: Logger
    private let reputation: Mutex<Reputation>

    /// Reads what the file in `folder` remembers; one that is not right counts as none.
    init(in folder: Folder, clock: WallClock, logger: Logger) {
        self.folder = folder
        self.clock = clock
        self.logger = logger
        let bytes = try? folder.openFileIfPresent(Self.name)?.readAll(limit: Self.sizeLimit)
        reputation = Mutex(bytes.flatMap { try? Reputation(decoding: $0) } ?? Reputation())
    }

    /// Whether a mirror is asked for nothing now.
    func isCutOff(_ name: String) -> Bool {
        let now = clock.now()
        return reputation.withLock { $0.isCutOff(name, now: now) }
    }

    /// Takes note of what came of a request. Only a cut-off is written down at once; it blocks for the time of a write then.
    func note(_ outcome: Reputation.Outcome, of name: String) {
        let now = clock.now()
        let offence = reputation.withLock { reputation -> (bytes: [UInt8], until: Int64)? in
            reputation.note(outcome, of: name, now: now)
            guard outcome == .invalid else { return nil }
            let until = reputation.standings(now: now).first { $0.name == name }?.cutOffUntil
            return (reputation.encode(), until ?? now)
        }
        guard let (bytes, until) = offence else { return }
        logger.warning(
            "a mirror is left out of swarms", metadata: ["peer": "\(name)", "seconds": "\(max(0, until - now))"])
        do throws(FileError) {
            try folder.writeDurably(bytes, to: Self.name, through: Self.temporaryName, mode: 0o600)
        } catch {
            logger.warning("what mirrors did is not remembered", metadata: ["error": "\(error)"])
        }
    }
}
