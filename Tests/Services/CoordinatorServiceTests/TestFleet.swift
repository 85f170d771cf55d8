import Content
import CoordinatorService
import Crypto
import FleetAPI
import FleetCertificates
import FleetModel
import FoundationEssentials
import Glibc
import Hashing
import SwiftASN1
import Trust
import TrustSupport

/// The files of a small fleet in a folder of its own: authority, certificates, fleet.yaml, state. Gone with the value.
final class TestFleet: Sendable {
    /// A host's files, and its key to sign with.
    struct Host {
        var certificate: String
        var key: String
        var signingKey: P256.Signing.PrivateKey
    }

    let folder: String
    let authority: TestAuthority
    let publisher: TestPublisher

    init() throws {
        folder = TemporaryFolder.make()
        authority = try TestAuthority()
        publisher = try TestPublisher(fleet: "lab", sets: ["debian", "iso"])
        try FileManager.default.createDirectory(atPath: path("trust/metadata"), withIntermediateDirectories: true)
        try Data(publisher.root).write(to: URL(filePath: path("trust/metadata/1.root.json")))
        try write("authority.crt", try authority.certificate.serializeAsPEM().pemString)
        try write("fleet.yaml", fleetFile())
        _ = try host("coordinator", "coordinator")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A certificate of `authority`, or of another one, for a role and a name.
    func host(
        _ role: String, _ name: String, fleet: String = "lab", by other: TestAuthority? = nil, from: Double = -3_600,
        to: Double = 3_600
    ) throws -> Host {
        let (certificate, key) = try (other ?? authority).issue(
            uri: "spiffe://\(fleet)/\(role)/\(name)", from: from, to: to)
        let stem = "\(role)-\(name)"
        try write("\(stem).crt", try certificate.serializeAsPEM().pemString)
        try write("\(stem).key", key.pemRepresentation)
        return Host(certificate: path("\(stem).crt"), key: path("\(stem).key"), signingKey: key)
    }

    /// The authority as `fleetctl` has it.
    func operatorsAuthority() throws -> CertificateAuthority {
        try write("authority.key", authority.keyPEM)
        chmod(path("authority.key"), 0o600)
        return try CertificateAuthority.load(certificatePath: path("authority.crt"), keyPath: path("authority.key"))
    }

    /// An issuing key, and a coordinator that has it.
    func configurationWithIssuingKey() throws -> CoordinatorConfiguration {
        try operatorsAuthority().issueIssuingKey(days: 300)
            .save(certificatePath: path("issuing.pem"), keyPath: path("issuing.key"))
        var configuration = configuration
        configuration.issuing = (path("issuing.pem"), path("issuing.key"))
        return configuration
    }

    var configuration: CoordinatorConfiguration {
        CoordinatorConfiguration(
            fleet: path("fleet.yaml"), state: path("state"), certificate: path("coordinator-coordinator.crt"),
            key: path("coordinator-coordinator.key"), authority: path("authority.crt"))
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
    }

    /// The text of fleet.yaml.
    func fleetFile(name: String = "lab") -> String {
        """
        apiVersion: fleet/v1
        name: \(name)
        coordinator: {listen: "127.0.0.1:0", address: "127.0.0.1:7443", state: state, report_interval: 30s}
        trust: {folder: trust}
        sets:
          - {name: debian, origin: origin, replicas: 2}
          - {name: iso, origin: origin, replicas: 1}
        mirrors:
          - {name: origin, role: origin, address: "127.0.0.1:7001", sets: [debian, iso]}
          - {name: m1, address: "127.0.0.1:7002", sets: [debian, iso]}
          - {name: m2, address: "127.0.0.1:7003", sets: [debian]}

        """
    }

    /// A release of `set`, signed by the fleet's publisher, on top of what it signed before, or by another; under another
    /// number than its own if `signedAs` is given.
    func release(
        _ set: String, _ sequence: UInt64, fleet: String = "lab", note: String = "", by other: TestPublisher? = nil,
        signedAs: UInt64? = nil
    ) throws -> ReleaseRegistration {
        let digest = BLAKE3.hash([UInt8(truncatingIfNeeded: sequence)])
        let document = try ReleaseDocument(
            fleet: fleet, set: set, sequence: sequence, publishedAt: 1_000,
            manifest: ManifestRoot(digest: NodeDigest(digest), height: 1, entries: 5, files: 3, bytes: 1_000),
            predecessor: sequence == 1 ? .first : .release(ReleaseDigest(digest)), changeset: nil, chunkProfile: 1,
            chunkLog: ChunkLogHead(epoch: 1, size: 0, root: LogEntryDigest(digest)), note: note)
        let bytes = document.encode()
        let metadata = try (other ?? publisher).publish(bytes, sequence: signedAs ?? sequence, of: set)
        return ReleaseRegistration(
            set: set, sequence: signedAs ?? sequence, document: bytes, metadata: metadata.encode())
    }

    /// A report of `mirror` that serves `releases`, by their real roots.
    func report(_ mirror: String, number: UInt64, serving releases: [ReleaseRegistration] = []) throws -> MirrorReport {
        MirrorReport(
            mirror: mirror, number: number, agentVersion: "0.1.0", startedAt: 1_000,
            disk: DiskReport(totalBytes: 1 << 40, freeBytes: 1 << 39, storeBytes: 0),
            sets: try releases.map { release in
                let document = try ReleaseDocument(decoding: release.document.bytes)
                return SetReport(
                    name: document.set, sequence: document.sequence, root: document.manifest.digest.description,
                    release: document.digest.description, verifiedAt: 1_000)
            })
    }
}

extension TestFleet.Host {
    /// A client of the coordinator at `address` with this host's certificate.
    func client(_ fleet: TestFleet, _ address: NetworkAddress) throws -> CoordinatorClient {
        try CoordinatorClient(
            CoordinatorClient.Settings(
                addresses: ["https://\(address)"], fleet: "lab", certificate: certificate, key: key,
                authority: fleet.path("authority.crt")))
    }

    /// `report` in terms of `base`, signed with this host's key.
    func patch(_ report: MirrorReport, from base: MirrorReport) throws -> SignedReportPatch {
        SignedReportPatch(
            from: try WireJSON.encode(base), baseNumber: base.number, to: try SignedReport(decoding: sign(report)))
    }

    /// An encoded `SignedReport` of `report`, signed with this host's key.
    func sign(_ report: MirrorReport) throws -> [UInt8] {
        try sign(body: WireJSON.encode(report))
    }

    /// The same of a report's JSON.
    func sign(body: [UInt8]) throws -> [UInt8] {
        let signature = try signingKey.signature(for: SignedReport.signedBytes(body: body))
        return try SignedReport(body: body, signature: Array(signature.rawRepresentation)).encode()
    }
}

enum TestFailure: Error { case setUp, noAnswer }

enum TemporaryFolder {
    /// A new folder below TMPDIR.
    static func make() -> String {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let path = "\(base)/coordinator-\(UInt64.random(in: 0 ... .max))"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}
