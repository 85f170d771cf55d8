import UpdateFramework

/// A decoder of bytes from outside, under the name that `scripts/fuzz` and the folders of kept cases know it by.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case manifestNode = "manifest-node"
    case manifestProof = "manifest-proof"
    case changeset
    case chunkList = "chunk-list"
    case chunkLog = "chunk-log"
    case chunkLogProof = "chunk-log-proof"
    case releaseDocument = "release-document"
    case repositoryDocuments = "repository-documents"
    case metadataVersions = "metadata-versions"
    case yankList = "yank-list"
    case report
    case reportPatch = "report-patch"
    case term
    case standing
    case receipts
    case token
    case proof
    case stoqConnection = "stoq-connection"
    case stoqRequest = "stoq-request"
    case stoqAnswer = "stoq-answer"
    case stoqGreeting = "stoq-greeting"
    case zstd
    case index
    case fleetFile = "fleet-file"
    case agentFile = "agent-file"
    case json
    case keyShare = "key-share"
    case certificate
    case metadataJSON = "metadata-json"
    case metadataRoot = "metadata-root"
    case metadataTimestamp = "metadata-timestamp"
    case metadataSnapshot = "metadata-snapshot"
    case metadataTargets = "metadata-targets"
    case keyFile = "key-file"
    case trustChange = "trust-change"
    case roleChange = "role-change"
    case ordinalSet = "ordinal-set"
    case swarmMessage = "swarm-message"
    case backup

    /// Gives `bytes` to the decoder. True if it accepted them, false if it refused them with the error that it promises.
    /// Throws ``FuzzFinding`` if it accepted what it would not write itself, or broke another promise; a trap is a
    /// finding, too.
    package func run(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        switch self {
        case .manifestNode: try Self.manifestNode(bytes)
        case .manifestProof: try Self.manifestProof(bytes)
        case .changeset: try Self.changeset(bytes)
        case .chunkList: try Self.chunkList(bytes)
        case .chunkLog: try Self.chunkLog(bytes)
        case .chunkLogProof: try Self.chunkLogProof(bytes)
        case .releaseDocument: try Self.releaseDocument(bytes)
        case .repositoryDocuments: try Self.repositoryDocuments(bytes)
        case .metadataVersions: try Self.metadataVersions(bytes)
        case .yankList: try Self.yankList(bytes)
        case .report: try Self.report(bytes)
        case .reportPatch: try Self.reportPatch(bytes)
        case .term: try Self.term(bytes)
        case .standing: try Self.standing(bytes)
        case .receipts: try Self.receipts(bytes)
        case .token: try Self.token(bytes)
        case .proof: try Self.proof(bytes)
        case .stoqConnection: try FuzzedConnection.run(bytes)
        case .stoqRequest: try Self.stoqRequest(bytes)
        case .stoqAnswer: try Self.stoqAnswer(bytes)
        case .stoqGreeting: try Self.stoqGreeting(bytes)
        case .zstd: try FuzzedConnection.decompress(bytes)
        case .index: try FuzzedIndex.run(bytes)
        case .fleetFile: try Self.fleetFile(bytes)
        case .agentFile: try Self.agentFile(bytes)
        case .json: try Self.json(bytes)
        case .keyShare: try Self.keyShare(bytes)
        case .certificate: try Self.certificate(bytes)
        case .metadataJSON: try Self.metadataJSON(bytes)
        case .metadataRoot: try Self.metadata(bytes, as: RootMetadata.self)
        case .metadataTimestamp: try Self.metadata(bytes, as: TimestampMetadata.self)
        case .metadataSnapshot: try Self.metadata(bytes, as: SnapshotMetadata.self)
        case .metadataTargets: try Self.metadata(bytes, as: TargetsMetadata.self)
        case .keyFile: try Self.keyFile(bytes)
        case .trustChange: try Self.trustChange(bytes)
        case .roleChange: try Self.roleChange(bytes)
        case .ordinalSet: try Self.ordinalSet(bytes)
        case .swarmMessage: try Self.swarmMessage(bytes)
        case .backup: try FuzzedBackup.run(bytes)
        }
    }

    /// The longest input that is worth trying; most formats show all they can in less.
    package var byteLimit: Int {
        switch self {
        case .stoqConnection, .zstd, .index: 64 << 10
        case .fleetFile, .agentFile, .json: 8 << 10
        case .metadataRoot, .metadataTargets, .trustChange, .roleChange: 8 << 10
        default: 4 << 10
        }
    }

    /// Checks that what was accepted is written back as the same bytes: then there is one encoding of each value, and
    /// a digest over the bytes is one over the value.
    static func roundTrip(
        _ bytes: [UInt8], _ decodeAndEncode: ([UInt8]) throws -> [UInt8]
    ) throws(FuzzFinding) -> Bool {
        let again: [UInt8]
        do {
            again = try decodeAndEncode(bytes)
        } catch {
            return Self.refused(error)
        }
        guard again == bytes else {
            throw FuzzFinding("\(bytes.count) bytes were accepted, and written back as \(again.count) others")
        }
        return true
    }

    /// The words of an error are made, since that code sees hostile values, too.
    static func refused(_ error: any Error) -> Bool { "\(error)".isEmpty }
}

/// A promise that a decoder broke.
package struct FuzzFinding: Error, CustomStringConvertible {
    /// What was promised and not kept.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
