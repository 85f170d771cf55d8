import FleetAPI
import FleetCertificates
import FleetModel
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// The endpoints: reads each request, asks the `Coordinator`, writes the answer.
struct CoordinatorRoutes: Sendable {
    let coordinator: Coordinator
    let limits: CoordinatorLimits

    /// Adds every endpoint, each behind its row of the access table.
    func add(to router: Router<CoordinatorRequestContext>) {
        for route in Route.allCases {
            guard let method = HTTPRequest.Method(rawValue: route.method) else {
                preconditionFailure("\(route.method) is no method")
            }
            router.on(RouterPath(route.path), method: method) { request, context in
                let peer = context.knownPeer
                guard AccessTable.allows(peer?.identity.role, route.call) else {
                    guard let peer else { throw RequestError.noIdentity }
                    let allowed = AccessTable.allowed(route.call).map(\.rawValue).joined(separator: ", ")
                    throw RequestError.notAllowed(
                        "\(peer.identity.uri) may not call \(route.method) \(route.path)",
                        hint: "that takes a certificate with the role \(allowed)")
                }
                switch route {
                case .authority: return try Response.json(coordinator.desk.authorityAnswer)
                case .join:
                    let body = try await request.json(
                        JoinRequest.self, limit: limits.joinBytes, deadline: limits.bodyDeadline)
                    return try Response.json(await coordinator.join(body))
                default: return try await answer(route, request, context, context.peer)
                }
            }
        }
    }

    private func answer(
        _ route: Route, _ request: Request, _ context: CoordinatorRequestContext, _ peer: Peer
    ) async throws -> Response {
        switch route {
        case .authority, .join:
            throw RequestError.notFound("it is answered before")
        case .renewCertificate:
            return try .json(await coordinator.renewCertificate(of: peer))
        case .enrol:
            let order = try await request.json(
                EnrolmentOrder.self, limit: limits.enrolmentBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.enrol(order, by: peer.identity))
        case .submitStandings:
            let submission = try await request.json(
                StandingSubmission.self, limit: limits.standingBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.take(submission, by: peer.identity))
        case .override:
            let order = try await request.json(
                OverrideOrder.self, limit: limits.joinBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.override(order, by: peer.identity))
        case .members:
            return try .json(await coordinator.members())
        case .submitReport:
            return try .json(await submitReport(request, peer))
        case .listReports:
            return try .json(await coordinator.reports())
        case .assignments:
            return try .json(await assignments(request, peer))
        case .registerRelease:
            let registration = try await request.json(
                ReleaseRegistration.self, limit: limits.releaseBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.register(registration, by: peer.identity))
        case .submitMetadata:
            let submission = try await request.json(
                MetadataSubmission.self, limit: limits.releaseBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.take(submission, by: peer.identity))
        case .listReleases:
            let set = request.uri.queryParameters["set"].map(String.init)
            return try .json(await coordinator.releases(set: set, for: peer.identity))
        case .release:
            let name = try releaseName(context.parameters)
            return try .json(await coordinator.release(name, for: peer.identity))
        case .receipts:
            return try .json(
                await coordinator.receipts(
                    of: context.parameters.get("release") ?? "", set: context.parameters.get("set") ?? "",
                    for: peer.identity))
        case .makePlan:
            let order = try await request.json(
                PlanOrder.self, limit: limits.orderBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.makePlan(order))
        case .currentPlan:
            return try .json(await coordinator.currentPlan())
        case .plan:
            guard let generation = Generation(context.parameters.get("generation") ?? "") else {
                throw RequestError.notFound("a plan is named TERM.NUMBER")
            }
            return try .json(await coordinator.plan(generation))
        case .term:
            return try .json(await coordinator.term())
        case .declareTerm:
            let declaration = try await request.json(
                TermDeclaration.self, limit: limits.termBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.declare(declaration, by: peer.identity))
        case .status:
            return try .json(
                await coordinator.status(
                    after: request.number("after"), wait: request.wait(longest: limits.longestWait),
                    connection: peer.connection))
        case .metrics:
            let answer = try await coordinator.status(after: nil, wait: .zero, connection: peer.connection)
            return .metrics(StatusMetrics.render(answer.status, version: FleetVersion.current))
        case .fleet:
            return try .json(await coordinator.fleetAnswer)
        case .applyFleet:
            let order = try await request.json(
                PolicyOrder.self, limit: limits.policyBytes, deadline: limits.bodyDeadline)
            return try .json(await coordinator.apply(order, by: peer.identity))
        case .health:
            return try .json(
                HealthAnswer(
                    fleet: await coordinator.fleetAnswer.name, coordinator: coordinator.identity.name,
                    version: FleetVersion.current, startedAt: coordinator.startedAt))
        }
    }

    private func submitReport(_ request: Request, _ peer: Peer) async throws -> ReportReceipt {
        let submission = try await request.json(
            ReportSubmission.self, limit: limits.reportBytes, deadline: limits.bodyDeadline)
        let signed = try await wholeReport(submission, of: peer.identity.name)
        let body = try ReportSeal.body(of: signed, signedBy: peer.publicKey)
        let report = try mirrorReport(body)
        guard report.mirror == peer.identity.name else {
            throw RequestError.notAllowed(
                "\(peer.identity.name) handed in a report of \(report.mirror)",
                hint: "name: in agent.yaml must be the name in the certificate")
        }
        return try await coordinator.submit(report, body: body, signed: signed)
    }

    private func mirrorReport(_ body: [UInt8]) throws(RequestError) -> MirrorReport {
        do {
            // The version first: what a newer agent writes may have another form.
            let version = try WireJSON.decode(ReportVersion.self, from: body).version ?? 1
            guard version <= MirrorReport.currentVersion else {
                throw RequestError(
                    .badRequest, RefusalCode.badRequest,
                    "the report has version \(version), this coordinator (\(FleetVersion.current)) knows "
                        + "\(MirrorReport.currentVersion)",
                    hint: "upgrade the coordinator before its agents")
            }
            return try WireJSON.decode(MirrorReport.self, from: body)
        } catch let error as MalformedJSON {
            throw RequestError.badRequest("the report is not one: \(error)")
        } catch let error as RequestError {
            throw error
        } catch {
            throw RequestError.badRequest("the report is not one")
        }
    }

    /// The encoded report in a submission, put together if it came as a patch; its signature is not looked at.
    private func wholeReport(_ submission: ReportSubmission, of mirror: String) async throws -> [UInt8] {
        switch (submission.report, submission.patch) {
        case (let report?, nil): return report.bytes
        case (nil, let patch?):
            return try await ReportSeal.whole(patch.bytes) { number in
                await coordinator.reportBody(of: mirror, number: number)
            }
        default: throw RequestError.badRequest("a submission holds either a report or a patch")
        }
    }

    private func assignments(_ request: Request, _ peer: Peer) async throws -> AssignmentsAnswer {
        let after = try request.uri.queryParameters["after"].map { text throws(RequestError) in
            guard let generation = Generation(String(text)) else {
                throw RequestError.badRequest("after= is not TERM.NUMBER")
            }
            return generation
        }
        return try await coordinator.assignments(
            of: peer.identity.name, after: after, reports: request.number("reports"),
            neighbourhood: request.uri.queryParameters["neighbourhood"].map(String.init),
            standings: request.uri.queryParameters["standings"].map(String.init),
            wait: request.wait(longest: limits.longestWait), connection: peer.connection)
    }

    private func releaseName(_ parameters: Parameters) throws -> ReleaseName {
        guard let set = parameters.get("set"), let sequence = parameters.get("sequence").flatMap(UInt64.init) else {
            throw RequestError.notFound("a release is named SET/SEQUENCE")
        }
        return ReleaseName(set: set, sequence: sequence)
    }
}

/// What every version of a report has.
private struct ReportVersion: Decodable {
    var version: Int?
}
