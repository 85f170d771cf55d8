import Content
import FleetAPI
import FleetCertificates
import FleetFile
import FleetModel
import Hashing
import STOQ
import STOQTransport
import Trust
import UpdateFramework

/// What is stored, signed, sent and written by people.
extension FuzzTarget {
    private static let leaf = BLAKE3Context("mirrorfleet v1 manifest leaf")
    private static let indexNode = BLAKE3Context("mirrorfleet v1 manifest index node")

    static func manifestNode(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let context = bytes.count > 1 && bytes[1] > 0 ? indexNode : leaf
        let digest = NodeDigest(context.hash(bytes))
        do {
            // A tree of one node: whatever is below an index node is missing.
            _ = try ManifestTree.check(root: digest, source: { $0 == digest ? bytes : nil })
            return true
        } catch ManifestError.wrongDigest {
            throw FuzzFinding("the digest of a node is not what the format says")
        } catch ManifestError.missingNode(let missing) where missing != digest {
            return true
        } catch {
            return refused(error)
        }
    }

    static func manifestProof(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { bytes in
            let proof = try ManifestProof(decoding: bytes)
            do {
                // The root that an attacker would like: anything may come of it but a trap.
                _ = try proof.verify(root: NodeDigest(leaf.hash(bytes)))
            } catch {
                _ = refused(error)
            }
            return proof.encode()
        }
    }

    static func changeset(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { try Changeset(decoding: $0).encode() }
    }

    static func chunkList(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { try ChunkList(decoding: $0).encode() }
    }

    static func chunkLog(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        if let entries = try? ChunkLogHistory.decode(bytes) {
            guard ChunkLogHistory.encode(entries) == bytes else { throw FuzzFinding("entries are written otherwise") }
        }
        return try roundTrip(bytes) { bytes in
            let log = try ChunkLog(decoding: bytes)
            _ = log.root
            return log.encode()
        }
    }

    static func chunkLogProof(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let root = LogEntryDigest(leaf.hash(bytes))
        let entry = ChunkReference(digest: ChunkDigest(leaf.hash(bytes)), length: 1)
        let isConsistency = try roundTrip(bytes) { bytes in
            let proof = try ChunkLogConsistencyProof(decoding: bytes)
            try? proof.verify(
                from: ChunkLogHead(epoch: 0, size: proof.from, root: root),
                to: ChunkLogHead(epoch: 0, size: proof.to, root: root))
            return proof.encode()
        }
        let isInclusion = try roundTrip(bytes) { bytes in
            let proof = try ChunkLogInclusionProof(decoding: bytes)
            try? proof.verify(entry, in: ChunkLogHead(epoch: 0, size: proof.size, root: root))
            return proof.encode()
        }
        return isConsistency || isInclusion
    }

    static func releaseDocument(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { try ReleaseDocument(decoding: $0).encode() }
    }

    static func repositoryDocuments(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { bytes in
            let documents = try RepositoryDocuments(decoding: bytes)
            _ = VerifiedRepository.update(
                documents, with: documents, fleet: "lab", now: MetadataTime(secondsSince1970: 0))
            return documents.encode()
        }
    }

    static func yankList(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { try YankList(decoding: $0).encode() }
    }

    static func metadataVersions(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { try MetadataVersions(decoding: $0).encoded }
    }

    /// A signed term, and the term in it.
    static func term(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { bytes in
            let signed = try SignedTerm(decoding: bytes)
            guard try FleetTerm(decoding: signed.body).encode() == signed.body else { return [] }
            return signed.encode()
        }
    }

    static func standing(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { bytes in
            let list = try StandingList(decoding: bytes)
            for word in list.words where try HostStanding(decoding: word.body).encode() != word.body { return [] }
            return list.encode()
        }
    }

    static func receipts(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { bytes in
            let list = try ReceiptList(decoding: bytes)
            for signed in list.words where try HoldReceipt(decoding: signed.body).encode() != signed.body {
                return []
            }
            return list.encode()
        }
    }

    static func token(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { bytes in
            let text = Array(try EnrolmentToken(text: String(decoding: bytes, as: UTF8.self)).text.utf8)
            // Blanks around it are let be, and not written back.
            let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
            return Array(bytes.filter { !blanks.contains($0) }) == text ? bytes : text
        }
    }

    static func report(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { try SignedReport(decoding: $0).encode() }
    }

    /// A patch of a report, and what it makes of one. Steps may be written in several ways, so it is the value that must
    /// come back.
    static func reportPatch(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let patch: SignedReportPatch
        do {
            patch = try SignedReportPatch(decoding: bytes)
        } catch {
            return refused(error)
        }
        guard (try? SignedReportPatch(decoding: patch.encode())) == patch else {
            throw FuzzFinding("the patch reads back as another one")
        }
        _ = try? patch.report(from: FuzzTarget.reportBase)
        return true
    }

    static func proof(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        // Lines may end in CR LF, so it is the value that must come back, not the bytes.
        let proof: PortableProof
        do {
            proof = try PortableProof(decoding: bytes)
        } catch {
            return refused(error)
        }
        if let error = FuzzFinding.failure({ _ = try proof.verify() }) { _ = refused(error) }
        guard (try? PortableProof(decoding: Array(proof.encode().utf8))) == proof else {
            throw FuzzFinding("a proof is not read back as it was written")
        }
        return true
    }

    static func stoqRequest(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { bytes in
            let request = try STOQRequest(decoding: bytes)
            guard request.itemCount <= STOQRequest.digestLimit else { return [] }
            return request.encode()
        }
    }

    static func stoqGreeting(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        try roundTrip(bytes) { try STOQGreeting(decoding: $0).encode() }
    }

    static func stoqAnswer(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let answer: STOQAnswer
        do {
            answer = try STOQAnswer(STOQMessage(bytes))
        } catch {
            return refused(error)
        }
        for item in answer.items {
            guard item.range.lowerBound >= 0, item.range.upperBound <= bytes.count else {
                throw FuzzFinding("an item lies outside of its message")
            }
            _ = answer.bytes(of: item)
        }
        return true
    }

    static func fleetFile(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        do throws(FleetFileErrors) {
            _ = try FleetFile.parse(bytes, file: "fleet.yaml")
            return true
        } catch {
            return refused(error)
        }
    }

    static func agentFile(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        do throws(FleetFileErrors) {
            _ = try AgentFile.parse(bytes, file: "agent.yaml")
            return true
        } catch {
            return refused(error)
        }
    }

    static func json(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        var isAccepted = try jsonRoundTrip(MirrorReport.self, bytes)
        isAccepted = try jsonRoundTrip(AgentCommand.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(AgentEvent.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(ReportSubmission.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(ReleaseRegistration.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(PlanOrder.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(PlanAnswer.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(AssignmentsAnswer.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(StatusAnswer.self, bytes) || isAccepted
        isAccepted = try jsonRoundTrip(ErrorBody.self, bytes) || isAccepted
        return isAccepted
    }

    private static func jsonRoundTrip<Value: Codable & Equatable>(
        _ type: Value.Type, _ bytes: [UInt8]
    ) throws(FuzzFinding) -> Bool {
        let value: Value
        do throws(MalformedJSON) {
            value = try WireJSON.decode(type, from: bytes)
        } catch {
            return refused(error)
        }
        guard let text = try? WireJSON.encode(value), (try? WireJSON.decode(type, from: text)) == value else {
            throw FuzzFinding("a \(type) is not read back as it was written")
        }
        return true
    }

    static func keyShare(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        var whole = KeyShareReader()
        whole.take(bytes)
        var pieces = KeyShareReader()
        for byte in bytes { pieces.take([byte]) }
        guard whole.outcome == pieces.outcome else {
            throw FuzzFinding("\(whole.outcome) at once, \(pieces.outcome) byte by byte")
        }
        guard case .group(let group) = whole.outcome else { return false }
        return !KeyShareReader.name(of: group).isEmpty
    }

    static func certificate(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        do throws(IdentityError) {
            let identity = try FleetIdentity(certificateDER: bytes)
            guard identity.description.utf8.count < 1_024 else { throw IdentityError.notACertificate("") }
            return true
        } catch {
            return refused(error)
        }
    }
}

extension FuzzFinding {
    /// The error that `body` throws.
    static func failure(_ body: () throws -> Void) -> (any Error)? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }
}
