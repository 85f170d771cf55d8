import CoordinatorService
import Crypto
import FleetAPI
import FleetCertificates
import FleetModel
import Glibc
import Hashing
import Testing
import Trust

@Suite("Enrolment")
struct CoordinatorMemberTests {
    private let fleet: TestFleet
    private let alice: TestFleet.Host
    private let configuration: CoordinatorConfiguration

    init() throws {
        fleet = try TestFleet()
        alice = try fleet.host("operator", "alice")
        configuration = try fleet.configurationWithIssuingKey()
    }

    private static func now() -> Int64 { Int64(time(nil)) }

    private func word(_ name: String, isMember: Bool = true, after milliseconds: Int64 = 0) throws -> SignedStanding {
        chmod(alice.key, 0o600)
        let credentials = try HostCredentials(
            certificatePath: alice.certificate, keyPath: alice.key, authorityPath: fleet.path("authority.crt"))
        return try credentials.sign(
            HostStanding(fleet: "lab", name: name, isMember: isMember, at: Self.now() * 1_000 + milliseconds))
    }

    private func order(_ secret: [UInt8], _ word: SignedStanding, seconds: Int64 = 900) -> EnrolmentOrder {
        EnrolmentOrder(
            secretHash: Digest.hash(.sha256, secret).bytes, seconds: seconds, admission: word.encode(), root: [7])
    }

    private func newcomer(_ address: NetworkAddress) throws -> CoordinatorClient {
        try CoordinatorClient(
            CoordinatorClient.Settings(
                addresses: ["https://\(address)"], fleet: "lab",
                joining: .authorityOnly(KeyFile.read(fleet.path("authority.crt"), .open))))
    }

    /// A client of a host that joined, by the files that it would write.
    private func member(
        _ name: String, _ answer: JoinAnswer, _ request: CertificateRequest, _ address: NetworkAddress
    ) throws -> CoordinatorClient {
        try fleet.write("\(name).crt", answer.certificate)
        try fleet.write("\(name).key", request.keyPEM)
        chmod(fleet.path("\(name).key"), 0o600)
        return try CoordinatorClient(
            CoordinatorClient.Settings(
                addresses: ["https://\(address)"], fleet: "lab", certificate: fleet.path("\(name).crt"),
                key: fleet.path("\(name).key"), authority: fleet.path("authority.crt")))
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch APIError.refused(let refusal) {
            return refusal.code
        } catch APIError.notAllowed {
            return RefusalCode.notAllowed
        } catch {
            return "\(error)"
        }
    }

    @Test("A host joins by its token once, renews, loses its name to the next, and is taken out")
    func life() async throws {
        try await withCoordinator(fleet, configuration: configuration, clock: TestClock(Self.now())) { address in
            let operatorClient = try alice.client(fleet, address)
            let receipt = try await operatorClient.enrol(order([1], word("m1")))
            #expect(receipt.name == "m1" && !receipt.replaces)
            let request = try CertificateRequest()
            let join = JoinRequest(secret: [1], request: request.der)
            let answer = try await newcomer(address).join(join)
            #expect(answer.root.bytes == [7] && answer.port == 7002)
            let first = try member("first", answer, request, address)
            _ = try await first.health()
            let renewed = try await first.renewCertificate()
            #expect(renewed.certificate != answer.certificate)
            // The token counts once.
            #expect(await code { _ = try await newcomer(address).join(join) } == RefusalCode.notAllowed)
            // Another host under the name.
            let again = try await operatorClient.enrol(order([2], word("m1", after: 5_000)))
            #expect(again.replaces)
            _ = try await first.health()
            let other = try CertificateRequest()
            let second = try member(
                "second", try await newcomer(address).join(JoinRequest(secret: [2], request: other.der)), other,
                address)
            _ = try await second.health()
            // Not even on the connection that it has.
            #expect(await code { _ = try await first.health() } == RefusalCode.notAllowed)
            let polled = try await second.assignments(after: nil, reports: nil, wait: .zero)
            let list = try StandingList(decoding: try #require(polled.standings).bytes)
            #expect(list.words.count == 1 && polled.standingsTag != nil)
            #expect(
                try await second.assignments(
                    after: nil, reports: nil, standings: polled.standingsTag, wait: .zero
                ).standings == nil)
            let revocation = StandingList([try word("m1", isMember: false, after: 9_000)])
            _ = try await operatorClient.submit(standings: revocation.encode())
            #expect(await code { _ = try await second.health() } == RefusalCode.notAllowed)
            let members = try await operatorClient.members().members
            #expect(members.first { $0.name == "m1" }?.revokedAt != nil)
            #expect(members.first { $0.name == "m2" } == Member(name: "m2"))
        }
        // It is remembered.
        try await withCoordinator(fleet, configuration: configuration, clock: TestClock(Self.now())) { address in
            let members = try await alice.client(fleet, address).members().members
            #expect(members.first { $0.name == "m1" }?.revokedAt != nil)
        }
    }

    @Test("Who may not join by token is refused by name")
    func refusals() async throws {
        let clock = TestClock(Self.now())
        try await withCoordinator(fleet, configuration: configuration, clock: clock) { address in
            let client = try alice.client(fleet, address)
            func refused(_ order: EnrolmentOrder) async -> String? {
                await code { _ = try await client.enrol(order) }
            }
            #expect(try await refused(order([1], word("nobody"))) == RefusalCode.unknownMirror)
            #expect(try await refused(order([1], word("origin"))) == RefusalCode.notEnrollable)
            #expect(try await refused(order([1], word("m1", isMember: false))) == RefusalCode.standingRefused)
            #expect(try await refused(order([1], word("m1", after: 8_000_000))) == RefusalCode.standingRefused)
            #expect(try await refused(order([1], word("m1"), seconds: 86_401)) == RefusalCode.badRequest)
            var forged = order([1], try word("m1"))
            forged.admission.bytes[forged.admission.bytes.count - 1] ^= 1
            #expect(await refused(forged) == RefusalCode.standingRefused)
            // A token that has expired.
            _ = try await client.enrol(order([3], word("m1"), seconds: 5))
            clock.advance(6)
            let request = try CertificateRequest()
            let late = JoinRequest(secret: [3], request: request.der)
            #expect(await code { _ = try await newcomer(address).join(late) } == RefusalCode.notAllowed)
            // An agent may not admit anybody, and one whose certificate is the authority's renews nothing here.
            let agent = try fleet.host("agent", "m2").client(fleet, address)
            #expect(await code { _ = try await agent.enrol(order([4], word("m1"))) } == RefusalCode.notAllowed)
            #expect(await code { _ = try await agent.renewCertificate() } == RefusalCode.notEnrollable)
        }
        let plain = try TestFleet()
        try await withCoordinator(plain, clock: clock) { address in
            let client = try plain.host("operator", "alice").client(plain, address)
            #expect(await code { _ = try await client.enrol(order([1], word("m1"))) } == RefusalCode.noIssuingKey)
        }
    }

    @Test("An operator's word that is older than the last on the host is refused")
    func order() async throws {
        try await withCoordinator(fleet, configuration: configuration, clock: TestClock(Self.now())) { address in
            let client = try alice.client(fleet, address)
            let (early, late) = (try word("m1"), try word("m1", isMember: false, after: 1_000))
            _ = try await client.submit(standings: StandingList([late]).encode())
            #expect(await code { _ = try await client.enrol(order([1], early)) } == RefusalCode.standingRefused)
            // Agents hand in what they have: what is known already does no harm.
            let agent = try fleet.host("agent", "m2").client(fleet, address)
            #expect(try await agent.submit(standings: StandingList([late, early]).encode()).count == 1)
        }
    }

    @Test("Of two who race for one token one wins, a thousand times of a thousand")
    func races() async throws {
        var limits = CoordinatorLimits()
        limits.anonymousDeadline = .seconds(600)
        try await withCoordinator(
            fleet, configuration: configuration, limits: limits, clock: TestClock(Self.now())
        ) { address in
            let client = try alice.client(fleet, address)
            let racers = [try newcomer(address), try newcomer(address)]
            let request = try CertificateRequest().der
            let clock = ContinuousClock()
            let began = clock.now
            var winners = 0
            for round in 0..<1_000 {
                let secret = [UInt8(round & 255), UInt8(round >> 8)]
                _ = try await client.enrol(order(secret, word("m1", after: Int64(round))))
                winners += await withTaskGroup(of: Bool.self) { group in
                    for racer in racers {
                        group.addTask {
                            (try? await racer.join(JoinRequest(secret: secret, request: request))) != nil
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(winners == round + 1)
            }
            #expect(winners == 1_000)
            print("1,000 enrolments, each with two who want the token: \(clock.now - began)")
        }
    }

    @Test(
        "A thousand hosts enrol: key, request, two handshakes and a certificate each",
        .enabled(if: getenv("FLEET_FIGURES") != nil))
    func figure() async throws {
        try await withCoordinator(fleet, configuration: configuration, clock: TestClock(Self.now())) { address in
            let client = try alice.client(fleet, address)
            let clock = ContinuousClock()
            var (enrolling, joining) = (Duration.zero, Duration.zero)
            for round in 0..<1_000 {
                let secret = [UInt8(round & 255), UInt8(round >> 8)]
                let began = clock.now
                _ = try await client.enrol(order(secret, word("m1", after: Int64(round))))
                let enrolled = clock.now
                _ = try await CoordinatorClient(
                    CoordinatorClient.Settings(addresses: ["https://\(address)"], fleet: "lab", joining: .none)
                ).authority()
                let request = try CertificateRequest()
                _ = try await newcomer(address).join(JoinRequest(secret: secret, request: request.der))
                enrolling += enrolled - began
                joining += clock.now - enrolled
            }
            print("1,000 hosts: admitted in \(enrolling), joined in \(joining), on both sides of the wire")
        }
    }
}
