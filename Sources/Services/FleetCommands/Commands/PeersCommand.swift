import ArgumentParser
import FleetAPI
package import FleetModel

/// `fleetctl peers`: who exchanges content with whom.
struct PeersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peers",
        abstract: "Show who is linked to whom in the swarm of each release, and whom hosts leave out.",
        discussion: """
            As the last reports say: a swarm is there while a release spreads. Rates are those of deliveries lately.

            EXAMPLES
              fleetctl -f fleet.yaml peers
              fleetctl -f fleet.yaml peers debian -o json      # docs/reference/peers.md
            """)

    @OptionGroup var option: FleetOption
    @OptionGroup var output: OutputOption
    @Argument(help: "Only this set.") var set: String?

    func run() async throws {
        let session = try FleetSession(option)
        if let set { _ = try session.set(set) }
        let client = try session.coordinator()
        let reports = try await client.reports().reports
        let table = PeerTable(reports.map(\.report), fleet: session.fleet, set: set)
        try await session.warnIfSuperseded(client)
        switch output.format {
        case .json: try printJSON(table)
        case .table: print(table.text, terminator: "")
        }
    }
}

/// Who exchanges content with whom, as reports say.
package struct PeerTable: Codable, Equatable {
    /// One host's link to another.
    package struct Link: Codable, Equatable {
        /// Whose report says it.
        package var mirror: String
        /// What it does in the swarm: `origin` or `mirror`.
        package var role: String
        package var region: String?
        package var peer: String
        package var peerRegion: String?
        /// Bytes a second from the peer; absent: not measured.
        package var receiving: UInt64?
        /// Bytes a second to the peer, as that says; absent: not measured.
        package var sending: UInt64?
        /// Requests to the peer that are under way.
        package var requests: Int
        /// Whether the peer is asked for nothing for a while.
        package var isPausing: Bool
        /// What the host thinks of the peer: 0 to 1,000.
        package var score: Int
    }

    /// The swarm of one release.
    package struct Swarm: Codable, Equatable {
        package var set: String
        package var release: String
        /// Bytes that origins leased, each time counted.
        package var leasedBytes: UInt64
        /// Ascending by mirror, then by peer.
        package var links: [Link]
    }

    /// What one host thinks of another that did wrong, or failed.
    package struct Standing: Codable, Equatable {
        package var mirror: String
        package var source: String
        package var score: Int
        package var offences: Int
        /// Until when it is asked for nothing, in Unix seconds of the mirror's clock.
        package var cutOffUntil: Int64?
    }

    /// The version of this format.
    package var version = 1
    /// Ascending by set, then by release.
    package var swarms: [Swarm]
    /// Ascending by mirror, then by source.
    package var standings: [Standing]

    /// The table of `reports`; of `set` alone, if one is given.
    package init(_ reports: [MirrorReport], fleet: Fleet, set: String?) {
        let regions = Dictionary(fleet.mirrors.map { ($0.name, $0.region) }, uniquingKeysWith: { first, _ in first })
        standings = reports.flatMap { report in
            report.standings.map {
                Standing(
                    mirror: report.mirror, source: $0.name, score: $0.score, offences: $0.offences,
                    cutOffUntil: $0.cutOffUntil)
            }
        }.sorted { ($0.mirror, $0.source) < ($1.mirror, $1.source) }
        var rates: [String: UInt64] = [:]
        var found: [String: [(mirror: String, swarm: SwarmReport)]] = [:]
        for report in reports {
            for swarm in report.swarms where set == nil || swarm.set == set {
                found["\(swarm.set)/\(swarm.release)", default: []].append((report.mirror, swarm))
                for peer in swarm.peers {
                    rates["\(swarm.set)/\(swarm.release)/\(report.mirror)/\(peer.name)"] = peer.receiving
                }
            }
        }
        let scores = Dictionary(
            standings.map { ("\($0.mirror)/\($0.source)", $0.score) }, uniquingKeysWith: { first, _ in first })
        swarms = found.sorted { $0.key < $1.key }.compactMap { key, parts in
            guard let first = parts.first?.swarm else { return nil }
            let links = parts.flatMap { mirror, swarm in
                swarm.peers.map { peer in
                    Link(
                        mirror: mirror, role: swarm.role.rawValue, region: regions[mirror], peer: peer.name,
                        peerRegion: regions[peer.name], receiving: peer.receiving,
                        sending: rates["\(key)/\(peer.name)/\(mirror)"], requests: peer.requests,
                        isPausing: peer.isPausing, score: scores["\(mirror)/\(peer.name)"] ?? 1_000)
                }
            }
            return Swarm(
                set: first.set, release: first.release,
                leasedBytes: parts.reduce(0) { $0 &+ ($1.swarm.leasedBytes ?? 0) },
                links: links.sorted { ($0.mirror, $0.peer) < ($1.mirror, $1.peer) })
        }
    }

    /// For a terminal.
    package var text: String {
        var text = swarms.isEmpty ? "no release spreads now\n" : ""
        for swarm in swarms {
            text += "\(swarm.set)  release \(swarm.release.prefix(12))  leased"
            text += " \(Quantity.describe(bytes: swarm.leasedBytes))\n"
            var table = TextTable(
                ["MIRROR", "ROLE", "REGION", "PEER", "PEER REGION", "RECEIVING", "SENDING", "REQUESTS", "SCORE"],
                rightAligned: [5, 6, 7, 8])
            for link in swarm.links {
                table.add([
                    link.mirror, link.role, link.region ?? "-", link.peer, link.peerRegion ?? "-",
                    Self.rate(link.receiving), Self.rate(link.sending),
                    link.isPausing ? "pausing" : "\(link.requests)", "\(link.score)",
                ])
            }
            text += table.text(width: nil)
        }
        guard !standings.isEmpty else { return text }
        var table = TextTable(["MIRROR", "SOURCE", "SCORE", "OFFENCES", "CUT OFF UNTIL"], rightAligned: [2, 3])
        for standing in standings {
            table.add([
                standing.mirror, standing.source, "\(standing.score)", "\(standing.offences)",
                standing.cutOffUntil.map { CivilTime.text($0) } ?? "-",
            ])
        }
        return text + "\n" + table.text(width: nil)
    }

    private static func rate(_ rate: UInt64?) -> String { rate.map { Quantity.describe(bytes: $0) + "/s" } ?? "-" }
}
