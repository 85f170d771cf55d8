import Content
import FleetAPI
import FleetModel
import Glibc
import LinuxIO
import STOQ
import Swarm
import Trust
import UpdateFramework

/// Where an input comes from, so that a failure names it.
package struct FuzzCase: Sendable, CustomStringConvertible {
    /// The file, or what made it.
    package let description: String
    /// The input.
    package let bytes: [UInt8]
}

extension FuzzTarget {
    private static let fileLimit = 1 << 20

    /// Good inputs and near ones, to begin from: frozen vectors, fixtures, what our own encoders write, and the kept
    /// cases. In a fixed order. Throws ``FuzzFinding`` or an error of files if the fixtures are not where they should be.
    package func seeds(file: String = #filePath) throws -> [[UInt8]] {
        let tests = try Self.testsFolder(file)
        var seeds: [[UInt8]] = try made()
        for vectors in vectorFiles {
            seeds += try Self.vectors(in: Self.read(tests + vectors))
        }
        if self == .fleetFile || self == .agentFile {
            for folder in ["/Fixtures/fleet/good", "/Fixtures/fleet/bad"] {
                for name in try Self.names(tests + folder)
                where name.hasSuffix(".yaml") && name.hasPrefix("agent-") == (self == .agentFile) {
                    seeds.append(try Self.read("\(tests)\(folder)/\(name)"))
                }
            }
        }
        return try seeds + kept(file: file).map(\.bytes)
    }

    /// The cases in Tests/Fixtures/fuzz/TARGET, by name: what once broke something, and what leads deep into a decoder.
    package func kept(file: String = #filePath) throws -> [FuzzCase] {
        let folder = "\(try Self.testsFolder(file))/Fixtures/fuzz/\(rawValue)"
        guard access(folder, F_OK) == 0 else { return [] }
        return try Self.names(folder).map { name in
            FuzzCase(description: "\(rawValue)/\(name)", bytes: try Self.read("\(folder)/\(name)"))
        }
    }

    private var vectorFiles: [String] {
        switch self {
        case .manifestNode: ["/Core/ContentTests/Fixtures/manifest-vectors.txt"]
        case .manifestProof: ["/Core/ContentTests/Fixtures/proof-vectors.txt"]
        case .changeset: ["/Core/ContentTests/Fixtures/changeset-vectors.txt"]
        case .chunkList: ["/Fixtures/formats/chunk-list.txt"]
        case .chunkLog, .chunkLogProof: ["/Fixtures/formats/chunk-log.txt"]
        case .releaseDocument: ["/Fixtures/formats/release-document.txt"]
        default: []
        }
    }

    /// What our own code writes.
    private func made() throws -> [[UInt8]] {
        switch self {
        case .term:
            [
                SignedTerm(
                    body: FleetTerm(fleet: "lab", number: 2, coordinator: "c1", signedAt: 1_700_000_000).encode(),
                    certificate: [48, 3, 2, 1, 1], signature: Array(repeating: 7, count: 64)
                ).encode()
            ]
        case .standing:
            [
                StandingList().encode(),
                StandingList([
                    SignedStanding(
                        body: HostStanding(fleet: "lab", name: "m1", isMember: true, at: 1_700_000_000_000).encode(),
                        certificate: [48, 3, 2, 1, 1], signature: Array(repeating: 7, count: 64))
                ]).encode(),
            ]
        case .receipts:
            [
                ReceiptList().encode(),
                ReceiptList([
                    SignedReceipt(
                        body: HoldReceipt(
                            fleet: "lab", host: "m1", set: "debian", sequence: 7,
                            release: ReleaseDocument.digest(of: [1]), heldAt: 1_700_000_000
                        ).encode(), chain: [[48, 3, 2, 1, 1]], signature: Array(repeating: 7, count: 64))
                ]).encode(),
            ]
        case .token:
            [
                Array(
                    EnrolmentToken(
                        fleet: "lab", name: "m1", coordinator: "c1.example.org:7443",
                        authority: Array(repeating: 1, count: 32), root: Array(repeating: 2, count: 32),
                        secret: Array(repeating: 3, count: 32)
                    ).text.utf8)
            ]
        case .report: [try SignedReport(body: Self.reportJSON(), signature: Array(repeating: 7, count: 64)).encode()]
        case .reportPatch:
            [
                SignedReportPatch(
                    from: Self.reportBase, baseNumber: 2,
                    to: try SignedReport(body: Self.reportJSON(), signature: Array(repeating: 7, count: 64))
                ).encode()
            ]
        case .repositoryDocuments: [try FuzzSamples.repository().encode()]
        case .proof: [try FuzzSamples.proof()]
        case .yankList: [try FuzzSamples.yankList().encode()]
        case .metadataVersions:
            [
                MetadataVersions(root: 2, roles: [.timestamp: 900, .targets: 1, FleetRoles.role(ofSet: "debian"): 5])
                    .encoded
            ]
        case .keyFile: FuzzTarget.keyFileSamples
        case .trustChange: try FuzzTarget.trustChangeSamples()
        case .roleChange: try FuzzTarget.roleChangeSamples()
        case .json: try Self.jsonSamples()
        case .stoqConnection: FuzzSamples.conversations()
        case .stoqRequest: FuzzSamples.requests.map { $0.encode() }
        case .stoqAnswer: [FuzzSamples.answer()]
        case .stoqGreeting: [FuzzSamples.greeting.encode()]
        case .zstd: FuzzSamples.compressedMessages()
        case .index: try FuzzedIndex.seeds()
        case .keyShare: [FuzzSamples.serverHello]
        case .ordinalSet: FuzzSamples.ordinalSets.map { $0.encode() }
        case .swarmMessage: FuzzSamples.swarmMessages.map { $0.encode() }
        case .backup: try FuzzedBackup.seeds()
        default: []
        }
    }

    private static func reportJSON() throws -> [UInt8] {
        try WireJSON.encode(
            MirrorReport(
                mirror: "m1", number: 3, agentVersion: "1", startedAt: -5,
                disk: DiskReport(totalBytes: .max, freeBytes: 2, storeBytes: 1)))
    }

    /// What patches of reports are of.
    static let reportBase = Array(#"{"agentVersion":"1","mirror":"m1","number":2,"startedAt":-5}"#.utf8)

    private static func jsonSamples() throws -> [[UInt8]] {
        var command = AgentCommand(.proof, set: "debian")
        command.path = Base64Bytes([1, 2, 0xFF])
        command.sequence = .max
        return [
            try reportJSON(), try WireJSON.encode(command), try WireJSON.encode(PlanOrder(sets: ["a"], mirrors: [])),
            try WireJSON.encode(
                AssignmentsAnswer(
                    generation: nil, lines: [], reportNow: 5, neighbourhood: Neighbourhood(sets: ["debian"]),
                    neighbourhoodTag: "00")),
            Array(#"{"a":[1e400,-0,"\ud800",{"":null}]}"#.utf8),
        ]
    }

    // MARK: - Files

    private static func testsFolder(_ file: String) throws -> String {
        guard let end = file.utf8.count >= 12 ? file.ranges(of: "/Tests/Fuzz/").first?.lowerBound : nil else {
            throw FuzzFinding("\(file) is not below Tests/Fuzz")
        }
        return file[..<end] + "/Tests"
    }

    private static func names(_ folder: String) throws -> [String] {
        try Folder.open(folder).list().map { String(decoding: $0.name, as: UTF8.self) }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        try OpenFile.open(Array(path.utf8)).readAll(limit: fileLimit)
    }

    /// The values of `name = hex` lines.
    private static func vectors(in text: [UInt8]) -> [[UInt8]] {
        text.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let value = line.split(separator: UInt8(ascii: " ")).last, value.count % 2 == 0 else { return nil }
            let bytes = stride(from: value.startIndex, to: value.endIndex, by: 2).compactMap { index in
                UInt8(String(decoding: value[index..<index + 2], as: UTF8.self), radix: 16)
            }
            return bytes.count == value.count / 2 ? bytes : nil
        }
    }
}
