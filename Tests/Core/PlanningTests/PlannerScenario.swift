import FleetFile
import FleetModel
import Planning
import UpdateFramework

/// A text scenario: commands with their expected output, run in order over one fleet.
///
/// A file has blocks: a command line, lines that belong to it, `----`, and the expected output up to an empty line.
/// ```
/// fleet                         the lines are `sets`, `defaults` and `mirrors` of a fleet.yaml
/// at SECONDS                    sets the clock
/// release SET SEQ [bytes=SIZE] [retouched=SIZE]    registers a release now
/// report MIRROR [SET=SEQ ...] [free=SIZE] [total=SIZE] [store=SIZE] [shares=yes|no]    comes in now; a set not named is
///   not served
///   SET bad=PATH[,PATH] | missing=SIZE | syncing | root=TEXT | failed=N[!] [MESSAGE]    lines below a report
/// policy SET [quorum=N] [fetch=MIRROR,...]    is signed
/// plan [SET ...] [on MIRROR ...]
/// status
/// ```
/// Lines beginning with `#` between blocks are comments. Reports come every 10 s.
struct PlannerScenario {
    private var fleet: Fleet?
    private var releases: [RegisteredRelease] = []
    private var observations: [String: MirrorObservation] = [:]
    private var now: Int64 = 0
    private var generation: Generation?
    private var policies: [String: SignedPolicy] = [:]
    private var reportNumber: UInt64 = 0

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// The text with every expected output replaced by what the commands say.
    static func run(_ text: String) throws -> String {
        var scenario = PlannerScenario()
        var result: [String] = []
        var block: [String] = []
        var isOutput = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if isOutput {
                if line.isEmpty {
                    isOutput = false
                    result.append("")
                }
            } else if line == "----" {
                result += block + ["----"] + (try scenario.command(block))
                block = []
                isOutput = true
            } else if block.isEmpty, line.isEmpty || line.hasPrefix("#") {
                result.append(line)
            } else {
                block.append(line)
            }
        }
        if !block.isEmpty { throw Failure(description: "no ---- after: \(block[0])") }
        while result.last == "" { result.removeLast() }
        return result.joined(separator: "\n") + "\n"
    }

    private mutating func command(_ lines: [String]) throws -> [String] {
        let words = (lines.first ?? "").split(separator: " ").map(String.init)
        switch words.first {
        case "fleet": try readFleet(lines.dropFirst())
        case "at":
            guard words.count == 2, let time = Int64(words[1]) else { throw Failure(description: "at: no time") }
            now = time
        case "release": try release(Array(words.dropFirst()))
        case "report": try report(Array(words.dropFirst()), details: lines.dropFirst())
        case "policy": try policy(Array(words.dropFirst()))
        case "plan": return try plan(Array(words.dropFirst()))
        case "status":
            let status = StatusComputation.status(
                fleet: try known(), releases: releases, inventory: Array(observations.values), now: now)
            return StatusTable.render(status).split(separator: "\n").map(String.init)
                + [CheckLine.render(status).line]
        default: throw Failure(description: "no command: \(lines.first ?? "")")
        }
        return ["ok"]
    }

    private func known() throws -> Fleet {
        guard let fleet else { throw Failure(description: "no fleet yet") }
        return fleet
    }

    private mutating func readFleet(_ lines: ArraySlice<String>) throws {
        let text =
            [
                "apiVersion: fleet/v1", "name: scenario",
                "coordinator: {listen: \"127.0.1.1:7443\", report_interval: 10s}", "trust: {folder: trust}",
            ] + lines
        fleet = try FleetFile.parse(Array(text.joined(separator: "\n").utf8), file: "scenario")
    }

    private mutating func release(_ words: [String]) throws {
        guard words.count >= 2, let sequence = UInt64(words[1]) else { throw Failure(description: "release: \(words)") }
        func size(_ key: String) throws -> UInt64? {
            try words.dropFirst(2).first { $0.hasPrefix("\(key)=") }
                .map { try Quantity.bytes(String($0.dropFirst(key.utf8.count + 1))) }
        }
        releases.append(
            RegisteredRelease(
                set: words[0], sequence: sequence, digest: "digest-\(sequence)", root: "root-\(sequence)", files: 1,
                entries: 1, bytes: try size("bytes") ?? 1_000_000_000, publishedAt: now, registeredAt: now,
                retouchedBytes: try size("retouched") ?? 0))
    }

    private mutating func report(_ words: [String], details: ArraySlice<String>) throws {
        guard let mirror = words.first, let policy = try known().mirror(named: mirror) else {
            throw Failure(description: "report: \(words)")
        }
        var disk = DiskReport(totalBytes: 100_000_000_000, freeBytes: 50_000_000_000, storeBytes: 0)
        var sets = Dictionary(uniqueKeysWithValues: policy.sets.map { ($0, SetReport(name: $0)) })
        for word in words.dropFirst() {
            let pair = word.split(separator: "=").map(String.init)
            guard pair.count == 2 else { throw Failure(description: "report: \(word)") }
            switch pair[0] {
            case "store": disk.storeBytes = try Quantity.bytes(pair[1])
            case "free": disk.freeBytes = try Quantity.bytes(pair[1])
            case "shares": disk.sharesBlocks = pair[1] == "yes"
            case "total": disk.totalBytes = try Quantity.bytes(pair[1])
            default:
                guard let sequence = UInt64(pair[1]) else { continue }
                sets[pair[0]]?.sequence = sequence
                sets[pair[0]]?.root = "root-\(sequence)"
                sets[pair[0]]?.release = "digest-\(sequence)"
            }
        }
        for line in details {
            let words = line.split(separator: " ").map(String.init)
            guard var set = sets[words[0]] else { throw Failure(description: "report: \(line)") }
            try detail(&set, Array(words.dropFirst()))
            sets[words[0]] = set
        }
        reportNumber += 1
        let report = MirrorReport(
            mirror: mirror, number: reportNumber, agentVersion: "1", generation: generation, disk: disk,
            sets: sets.values.sorted { $0.name < $1.name })
        var named = observations[mirror]?.firstNamed ?? [:]
        for set in report.sets {
            guard let sequence = set.sequence, named[set.name]?[sequence] == nil else { continue }
            named[set.name, default: [:]][sequence] = now
        }
        observations[mirror] = MirrorObservation(report: report, receivedAt: now, firstNamed: named)
    }

    private func detail(_ set: inout SetReport, _ words: [String]) throws {
        for (index, word) in words.enumerated() {
            let value = word.split(separator: "=").dropFirst().first.map(String.init) ?? ""
            switch word.split(separator: "=").first {
            case "bad":
                set.badPaths = value.split(separator: ",").map {
                    BadPathReport(path: String($0), blob: "00", reason: "digest differs", bytes: 1_000_000)
                }
            case "missing": set.missingBytes = try Quantity.bytes(value)
            case "syncing": set.activity = .syncing
            case "root": set.root = value
            case "failed":
                set.isFailureFinal = value.hasSuffix("!")
                set.failedAttempts = UInt64(value.filter { $0 != "!" }) ?? 1
                set.lastFailure = words[(index + 1)...].joined(separator: " ")
                return
            default: throw Failure(description: "report: \(word)")
            }
        }
    }

    private mutating func policy(_ words: [String]) throws {
        var policy = SignedPolicy()
        for word in words.dropFirst() {
            let pair = word.split(separator: "=").map(String.init)
            switch pair[0] {
            case "quorum": policy.flipQuorum = Int(pair[1]) ?? 0
            case "fetch": policy.fetch = FetchRule(mirrors: pair[1].split(separator: ",").map(String.init))
            default: throw Failure(description: "policy: \(word)")
            }
        }
        policies[words[0]] = policy
    }

    private mutating func plan(_ words: [String]) throws -> [String] {
        let parts = words.split(separator: "on", maxSplits: 1, omittingEmptySubsequences: false)
        let sets = parts.first.map(Array.init) ?? []
        let next = Generation(term: 1, number: (generation?.number ?? 0) + 1)
        let plan = Planner.plan(
            fleet: try known(), releases: releases, inventory: Array(observations.values),
            request: PlanRequest(sets: sets.isEmpty ? nil : sets, mirrors: parts.count == 2 ? Array(parts[1]) : nil),
            parent: generation, generation: next, policies: policies, now: now)
        generation = next
        return PlanText.render(plan).split(separator: "\n").map(String.init)
    }
}
