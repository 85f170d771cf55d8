import FleetModel

/// What `sync --wait` ends with; as JSON it is one object, documented in docs/reference/sync.md.
struct SyncOutcome: Codable, Equatable {
    /// How it ended for one mirror, or for one set on it.
    enum Result: String, Codable {
        case done
        case failed
    }

    /// A release that mirrors were brought to.
    struct Release: Codable, Equatable {
        var set: String
        var sequence: UInt64
        var root: String
        /// Bytes that the origin sent for it, to all mirrors together.
        var originBytes: UInt64
        /// How often the origin sent what the mirror that received most of it received: 1 is the least there can be,
        /// absent when nothing was received.
        var originCopies: Double?
    }

    /// One set on one mirror.
    struct SetOutcome: Codable, Equatable {
        var name: String
        var sequence: UInt64?
        var result: Result
        /// Why it failed, or why there was nothing to do.
        var reason: String?
        var seconds: Double
        var bytesBySource: [String: UInt64]
        var chunksFetched: UInt64
        var chunksReused: UInt64
        var roundTrips: UInt64
        var retimedFiles: UInt64
        var retimedBytes: UInt64
    }

    /// One mirror, summed over its sets.
    struct Mirror: Codable, Equatable {
        var name: String
        var result: Result
        var bytesBySource: [String: UInt64]
        var chunksFetched: UInt64
        var chunksReused: UInt64
        var roundTrips: UInt64
        var retimedFiles: UInt64
        var retimedBytes: UInt64
        var sets: [SetOutcome]

        init(name: String, sets: [SetOutcome]) {
            self.name = name
            self.sets = sets
            result = sets.allSatisfy { $0.result == .done } ? .done : .failed
            bytesBySource = sets.reduce(into: [:]) { $0.merge($1.bytesBySource, uniquingKeysWith: +) }
            chunksFetched = sets.reduce(0) { $0 + $1.chunksFetched }
            chunksReused = sets.reduce(0) { $0 + $1.chunksReused }
            roundTrips = sets.reduce(0) { $0 + $1.roundTrips }
            retimedFiles = sets.reduce(0) { $0 &+ $1.retimedFiles }
            retimedBytes = sets.reduce(0) { $0 &+ $1.retimedBytes }
        }
    }

    var version = 1
    /// The one release, when the sync was about one set.
    var release: Release?
    /// Ascending by set.
    var releases: [Release]
    var seconds: Double
    /// Ascending by name.
    var mirrors: [Mirror]

    /// The outcome for people: one line for each mirror and set.
    var text: String {
        guard !mirrors.isEmpty else { return "nothing to sync" }
        var table = TextTable(
            ["MIRROR", "SET", "RELEASE", "RESULT", "RECEIVED", "FROM", "CHUNKS", "TIME"], rightAligned: [2, 4])
        var retimed = ""
        for mirror in mirrors {
            for set in mirror.sets {
                if set.retimedFiles > 0 {
                    let files = RetimedFiles(files: set.retimedFiles, bytes: set.retimedBytes)
                    retimed +=
                        "\(mirror.name) \(set.name): times of \(files.text) changed in place, also in trees that stay\n"
                }
                let received = set.bytesBySource.values.reduce(0, +)
                let sources = set.bytesBySource.sorted { $0.key < $1.key }
                    .map { "\($0.key) \(Quantity.describe(bytes: $0.value))" }.joined(separator: ", ")
                table.add([
                    mirror.name, set.name, set.sequence.map(String.init) ?? "-", set.result.rawValue,
                    Quantity.describe(bytes: received), sources.isEmpty ? "-" : sources,
                    "\(Quantity.count(set.chunksFetched)) fetched, \(Quantity.count(set.chunksReused)) reused",
                    set.result == .failed
                        ? (set.reason ?? "-") : Quantity.decimal(set.seconds, digits: 2) + " s",
                ])
            }
        }
        let done = mirrors.count { $0.result == .done }
        let copies = releases.compactMap { release in
            release.originCopies.map { copies in
                "\(release.set) \(release.sequence): the origin sent \(Quantity.describe(bytes: release.originBytes)),"
                    + " \(Quantity.decimal(copies, digits: 2)) copies\n"
            }
        }.joined()
        return table.text(width: nil) + retimed + copies
            + "\(done) of \(mirrors.count) mirrors serve the newest release (\(Quantity.decimal(seconds, digits: 2)) s)"
    }
}
