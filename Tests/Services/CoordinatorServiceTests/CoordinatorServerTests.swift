import AsyncHTTPClient
import CoordinatorService
import FleetAPI
import FleetModel
import NIOCore
import NIOHTTP1
import SwiftASN1
import Testing
import TrustSupport
import Trust

@Suite("Coordinator over mutual TLS")
struct CoordinatorServerTests {
    private let fleet: TestFleet

    init() throws {
        fleet = try TestFleet()
    }

    /// The code of the refusal that `body` must end with.
    private func refusal<Answer>(_ body: () async throws -> Answer) async -> String? {
        do {
            _ = try await body()
            return nil
        } catch APIError.refused(let refusal) {
            return refusal.code
        } catch APIError.notAllowed {
            return "not-allowed"
        } catch {
            return "\(error)"
        }
    }

    // MARK: Who is let in

    @Test("The coordinator tells who it is to every role that may ask")
    func health() async throws {
        let hosts = [
            try fleet.host("agent", "m1"), try fleet.host("origin", "origin"), try fleet.host("operator", "alice"),
        ]
        try await withCoordinator(fleet) { address in
            for host in hosts {
                let health = try await host.client(fleet, address).health()
                #expect(health.fleet == "lab")
                #expect(health.coordinator == "coordinator")
            }
        }
    }

    @Test("Metrics are text for who may see the status, and nobody else's")
    func metrics() async throws {
        let (person, agent) = (try fleet.host("operator", "alice"), try fleet.host("agent", "m1"))
        try await withCoordinator(fleet) { address in
            let request = HTTPClientRequest(url: "https://\(address)/metrics")
            try await withBareClient(person) { client in
                let response = try await client.execute(request, timeout: .seconds(20))
                #expect(response.status == .ok)
                #expect(response.headers["content-type"] == ["text/plain; version=0.0.4; charset=utf-8"])
                let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                let status = try await person.client(fleet, address).status().status
                // Their times may differ by the second in between.
                let lines = StatusMetrics.render(status, version: FleetVersion.current).split(separator: "\n")
                #expect(lines.filter { !text.contains($0) }.allSatisfy { $0.contains("_timestamp_seconds") })
                #expect(text.contains("fleet_mirror_up{mirror=\"m1\""))
            }
            try await withBareClient(agent) { client in
                let refused = try await client.execute(request, timeout: .seconds(20))
                #expect(refused.status == .forbidden)
            }
        }
    }

    @Test("A role without a right to an endpoint is refused there")
    func wrongRole() async throws {
        let agent = try fleet.host("agent", "m1")
        let person = try fleet.host("operator", "alice")
        let other = try fleet.host("coordinator", "second")
        let release = try fleet.release("debian", 1)
        try await withCoordinator(fleet) { address in
            let agent = try agent.client(fleet, address)
            #expect(await refusal { try await agent.status() } == "not-allowed")
            #expect(await refusal { try await agent.makePlan(PlanOrder()) } == "not-allowed")
            #expect(await refusal { try await agent.register(release) } == "not-allowed")
            #expect(await refusal { try await agent.fleet() } == "not-allowed")
            #expect(await refusal { try await agent.reports() } == "not-allowed")
            let person = try person.client(fleet, address)
            #expect(await refusal { try await person.submit(report: []) } == "not-allowed")
            #expect(
                await refusal { try await person.assignments(after: nil, reports: nil, wait: .zero) } == "not-allowed")
            let other = try other.client(fleet, address)
            #expect(await refusal { try await other.health() } == "not-allowed")
        }
    }

    @Test("A host that fleet.yaml does not name, or names with another role, is refused")
    func strangers() async throws {
        let unknown = try fleet.host("agent", "m9")
        let wrongRole = try fleet.host("origin", "m2")
        let otherFleet = try fleet.host("operator", "bob", fleet: "elsewhere")
        try await withCoordinator(fleet) { address in
            for host in [unknown, wrongRole, otherFleet] {
                let client = try host.client(fleet, address)
                #expect(await refusal { try await client.health() } == "not-allowed")
            }
        }
    }

    @Test("Certificates of another authority and expired ones end in the handshake")
    func badCertificates() async throws {
        let foreign = try fleet.host("operator", "eve", by: TestAuthority())
        let expired = try fleet.host("operator", "old", from: -7_200, to: -3_600)
        let early = try fleet.host("operator", "early", from: 3_600, to: 7_200)
        try await withCoordinator(fleet) { address in
            for host in [foreign, expired, early] {
                let client = try host.client(fleet, address)
                await #expect(throws: APIError.self) { try await client.health() }
            }
        }
    }

    @Test("A client refuses a server that is not its fleet's coordinator, before it sends anything")
    func falseServer() async throws {
        let person = try fleet.host("operator", "alice")
        try await withCoordinator(fleet) { address in
            var settings = CoordinatorClient.Settings(
                addresses: ["https://\(address)"], fleet: "elsewhere", certificate: person.certificate,
                key: person.key, authority: fleet.path("authority.crt"))
            let elsewhere = try CoordinatorClient(settings)
            for _ in 0..<3 {
                let error = await #expect(throws: APIError.self) { try await elsewhere.health() }
                guard case .notAllowed(let message, _) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(message.contains("spiffe://lab/coordinator/coordinator"))
            }
            try fleet.write("other.crt", try TestAuthority().certificate.serializeAsPEM().pemString)
            settings = CoordinatorClient.Settings(
                addresses: ["https://\(address)"], fleet: "lab", certificate: person.certificate, key: person.key,
                authority: fleet.path("other.crt"))
            let untrusting = try CoordinatorClient(settings)
            let error = await #expect(throws: APIError.self) { try await untrusting.health() }
            guard case .notAllowed = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("Nobody at the address is told as such, with exit code 5")
    func nobody() async throws {
        let person = try fleet.host("operator", "alice")
        let address = try await withCoordinator(fleet) { address in address }
        let error = await #expect(throws: APIError.self) {
            try await person.client(fleet, address).health()
        }
        #expect(error?.exitCode == 5)
        #expect(error?.message.contains("refused") == true)
    }

    // MARK: Reports

    @Test("A report is kept with the coordinator's time, and its repetition gets the same receipt")
    func report() async throws {
        let agent = try fleet.host("agent", "m1")
        let person = try fleet.host("operator", "alice")
        let signed = try agent.sign(fleet.report("m1", number: 1))
        let clock = TestClock(5_000)
        try await withCoordinator(fleet, clock: clock) { address in
            let client = try agent.client(fleet, address)
            let receipt = try await client.submit(report: signed)
            #expect(receipt == ReportReceipt(interval: 30, wantedReleases: []))
            clock.advance(7)
            #expect(try await client.submit(report: signed) == receipt)
            let kept = try await person.client(fleet, address).reports().reports
            #expect(kept.map(\.mirror) == ["m1"])
            #expect(kept.map(\.receivedAt) == [5_000])
        }
    }

    @Test("Reports of another mirror, with a forged signature, or older than the last are refused")
    func badReports() async throws {
        let agent = try fleet.host("agent", "m1")
        let other = try fleet.host("agent", "m2")
        let first = try fleet.report("m1", number: 2)
        let signed = try agent.sign(first)
        let byOther = try other.sign(first)
        let ofOther = try agent.sign(fleet.report("m2", number: 1))
        let older = try agent.sign(fleet.report("m1", number: 1))
        var changed = signed
        changed[20] ^= 1
        let changedReport = changed
        try await withCoordinator(fleet) { address in
            let client = try agent.client(fleet, address)
            #expect(await refusal { try await client.submit(report: byOther) } == RefusalCode.reportSignature)
            #expect(await refusal { try await client.submit(report: changedReport) } == RefusalCode.reportSignature)
            #expect(await refusal { try await client.submit(report: [1, 2, 3]) } == RefusalCode.reportSignature)
            #expect(await refusal { try await client.submit(report: ofOther) } == "not-allowed")
            _ = try await client.submit(report: signed)
            do {
                _ = try await client.submit(report: older)
                Issue.record("an older report was taken")
            } catch APIError.refused(let refusal) {
                #expect(refusal.code == RefusalCode.reportNotNewer)
                #expect(refusal.lastReport == ReportPlace(startedAt: 1_000, number: 2))
            }
        }
    }

    @Test("What a newer agent adds to its report is skipped; a report of a newer version is refused by name")
    func newerReports() async throws {
        let agent = try fleet.host("agent", "m1")
        let text = String(decoding: try WireJSON.encode(try fleet.report("m1", number: 1)), as: UTF8.self)
        func signed(_ version: String) throws -> [UInt8] {
            let changed = text.replacing(#""version":1"#, with: version)
            #expect(changed != text)
            return try agent.sign(body: Array(changed.utf8))
        }
        let richer = try signed(#""version":1,"weather":{"is":["fine"]}"#)
        let newer = try signed(#""version":2"#)
        try await withCoordinator(fleet) { address in
            let client = try agent.client(fleet, address)
            do {
                _ = try await client.submit(report: newer)
                Issue.record("a report of a newer version was taken")
            } catch APIError.refused(let refusal) {
                #expect(refusal.message.contains("the report has version 2, this coordinator"))
                #expect(refusal.hint == "upgrade the coordinator before its agents")
            }
            _ = try await client.submit(report: richer)
        }
    }

    @Test("A patch of the last report counts as the report; one of another is refused and changes nothing")
    func reportPatches() async throws {
        let agent = try fleet.host("agent", "m1")
        let person = try fleet.host("operator", "person")
        let first = try fleet.report("m1", number: 1)
        let second = try fleet.report("m1", number: 2, serving: [fleet.release("debian", 1)])
        let third = try fleet.report("m1", number: 3)
        var (otherSecond, otherThird) = (second, third)
        (otherSecond.agentVersion, otherThird.agentVersion) = ("0.2.0", "0.2.0")
        let whole = try agent.sign(first)
        let (toSecond, toThird) = (try agent.patch(second, from: first), try agent.patch(third, from: second))
        let fromOther = try agent.patch(otherThird, from: otherSecond)
        // Of the right bytes, under a number that was never taken.
        let misnumbered = SignedReportPatch(
            from: try WireJSON.encode(second), baseNumber: 7, to: try SignedReport(decoding: agent.sign(third)))
        try await withCoordinator(fleet) { address in
            let client = try agent.client(fleet, address)
            #expect(await refusal { try await client.submit(toSecond) } == RefusalCode.reportBase)
            _ = try await client.submit(report: whole)
            #expect(await refusal { try await client.submit(toThird) } == RefusalCode.reportBase)
            _ = try await client.submit(toSecond)
            #expect(await refusal { try await client.submit(patch: [1, 2, 3]) } == RefusalCode.reportSignature)
            #expect(await refusal { try await client.submit(fromOther) } == RefusalCode.reportSignature)
            #expect(await refusal { try await client.submit(misnumbered) } == RefusalCode.reportBase)
            let kept = try await person.client(fleet, address).reports().reports
            #expect(kept.map(\.report) == [second])
            _ = try await client.submit(toThird)
        }
    }

    // MARK: Releases

    @Test("A release is registered once it is verified, and listed only to those who may have its set")
    func register() async throws {
        let origin = try fleet.host("origin", "origin")
        let second = try fleet.host("agent", "m2")
        let debian = try fleet.release("debian", 1)
        let iso = try fleet.release("iso", 4)
        let report = try origin.sign(
            fleet.report("origin", number: 1, serving: [fleet.release("debian", 1), fleet.release("iso", 4)]))
        try await withCoordinator(fleet) { address in
            let origin = try origin.client(fleet, address)
            let registered = try await origin.register(debian)
            #expect(registered.sequence == 1)
            #expect(registered.registeredAt == 10_000)
            let receipt = try await origin.submit(report: report)
            #expect(receipt.wantedReleases == [ReleaseName(set: "iso", sequence: 4)])
            _ = try await origin.register(iso)
            #expect(try await origin.register(debian) == registered)
            #expect(try await origin.releases().map(\.set) == ["debian", "iso"])
            let second = try second.client(fleet, address)
            #expect(try await second.releases().map(\.set) == ["debian"])
            #expect(try await second.release(set: "debian", sequence: 1) == registered)
            #expect(try await second.release(set: "iso", sequence: 4) == nil)
            #expect(try await second.release(set: "debian", sequence: 2) == nil)
        }
    }

    @Test("Releases wrongly signed, of another set or fleet, or not above the head are refused")
    func badReleases() async throws {
        let origin = try fleet.host("origin", "origin")
        let stranger = try TestPublisher(fleet: "lab", sets: ["debian", "iso"], seed: 20)
        let head = try fleet.release("debian", 5)
        let forged = try fleet.release("debian", 6, by: stranger)
        let lower = try fleet.release("debian", 4)
        let same = try fleet.release("debian", 5, note: "another")
        let foreign = try fleet.release("debian", 6, fleet: "elsewhere")
        let renamed = try fleet.release("debian", 7, signedAs: 8)
        var changed = try fleet.release("debian", 6)
        changed.document = Base64Bytes(changed.document.bytes.dropLast() + [changed.document.bytes.last! ^ 1])
        let damaged = changed
        changed.metadata = Base64Bytes([])
        let unsigned = changed
        var (otherSet, noSet) = (head, head)
        (otherSet.set, noSet.set) = ("iso", "no")
        let (iso, no) = (otherSet, noSet)
        try await withCoordinator(fleet) { address in
            let client = try origin.client(fleet, address)
            _ = try await client.register(head)
            for release in [forged, foreign, renamed, damaged, unsigned] {
                #expect(
                    await refusal { try await client.register(release) }
                        == RefusalCode.releaseNotTrusted)
            }
            #expect(
                await refusal { try await client.register(iso) } == RefusalCode.releaseNotTrusted)
            #expect(
                await refusal { try await client.register(no) } == RefusalCode.unknownSet)
            for release in [lower, same] {
                #expect(
                    await refusal { try await client.register(release) }
                        == RefusalCode.releaseNotNewer)
            }
            #expect(try await client.releases(set: "debian").map(\.sequence) == [5])
        }
    }

    // MARK: Limits

    @Test("Bodies above the limit are refused")
    func oversizedBodies() async throws {
        let agent = try fleet.host("agent", "m1")
        var limits = CoordinatorLimits()
        limits.reportBytes = 10_000
        try await withCoordinator(fleet, limits: limits) { address in
            let client = try agent.client(fleet, address)
            #expect(
                await refusal { try await client.submit(report: [UInt8](repeating: 0, count: 20_000)) }
                    == RefusalCode.tooLarge)
        }
    }

    @Test("The accepted fleet.yaml is told to operators, byte for byte")
    func acceptedFleet() async throws {
        let person = try fleet.host("operator", "alice")
        try await withCoordinator(fleet) { address in
            let answer = try await person.client(fleet, address).fleet()
            #expect(answer.name == "lab")
            #expect(answer.text.bytes == Array(fleet.fleetFile().utf8))
            #expect(answer.digest.count == 64)
        }
    }
}
