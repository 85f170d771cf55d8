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
    /// Bytes a second that sources delivered in the last swarm; not kept over restarts.
    private let rates = Mutex<[String: Double]>([:])

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

    /// 0 to 1,000: how much a mirror is worth asking now.
    func score(of name: String) -> Int {
        let now = clock.now()
        return reputation.withLock { $0.score(of: name, now: now) }
    }

    /// Bytes a second that a source delivered in the last swarm; nil: not known.
    func rate(of name: String) -> Double? { rates.withLock { $0[name] } }

    /// Takes note of how fast sources delivered.
    func note(_ deliveries: [SwarmDelivery]) {
        rates.withLock { rates in
            for delivery in deliveries {
                guard let rate = delivery.bytesPerSecond else { continue }
                if rates[delivery.name] == nil, rates.count >= Reputation.nameLimit { continue }
                rates[delivery.name] = rate
            }
        }
    }

    /// What a report says: sources of which something bad is known, the worst of them if they are too many.
    var standings: [SourceStanding] {
        let now = clock.now()
        return reputation.withLock { $0.standings(now: now) }
            .sorted { ($0.score, $0.name) < ($1.score, $1.name) }.prefix(SourceStanding.limit)
            .map {
                SourceStanding(name: $0.name, score: $0.score, offences: $0.offences, cutOffUntil: $0.cutOffUntil)
            }.sorted { $0.name < $1.name }
    }

    /// Forgets what a mirror did: it takes part in swarms again. False if nothing bad was known. Blocks for the time of a
    /// write. Throws `FileError`: it is pardoned then, but only until a restart.
    func pardon(_ name: String) throws(FileError) -> Bool {
        let (isNews, bytes) = reputation.withLock { reputation in (reputation.pardon(name), reputation.encode()) }
        if isNews {
            logger.notice("a mirror is pardoned", metadata: ["peer": "\(name)"])
            try folder.writeDurably(bytes, to: Self.name, through: Self.temporaryName, mode: 0o600)
        }
        return isNews
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
