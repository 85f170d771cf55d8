package import FleetModel

extension CoordinatorClient {
    /// Hands in a signed report (agents and the origin).
    ///
    /// `report` is an encoded `SignedReport`. A refusal with code `report-not-newer` carries `lastReport`: see
    /// `ReportPlace`.
    /// - Throws: `APIError`, or `CancellationError`.
    package func submit(report: [UInt8]) async throws -> ReportReceipt {
        try await call(.submitReport, body: ReportSubmission(report: report))
    }

    /// Hands in a signed report in terms of the one before: an encoded `SignedReportPatch`. A refusal with code
    /// `report-base` says that the coordinator does not have that one: hand in the whole.
    /// - Throws: `APIError`, or `CancellationError`.
    package func submit(patch: [UInt8]) async throws -> ReportReceipt {
        try await call(.submitReport, body: ReportSubmission(patch: patch))
    }

    /// The last report of every mirror (operators).
    /// - Throws: `APIError`, or `CancellationError`.
    package func reports() async throws -> ReportList {
        try await call(.listReports)
    }

    /// Waits up to `wait` for a plan newer than `generation` that concerns the caller, or a call for a fresh report.
    ///
    /// - Parameters:
    ///   - generation: the newest plan that the caller knows; nil: none.
    ///   - reports: the last value of `AssignmentsAnswer.reportNow`; nil: none seen.
    ///   - neighbourhood: the last value of `AssignmentsAnswer.neighbourhoodTag`; nil: none seen.
    ///   - standings: names the list of standings that the caller has; nil: it has none.
    ///   - wait: at most one minute; zero answers at once.
    /// - Throws: `APIError`, or `CancellationError`.
    package func assignments(
        after generation: Generation?, reports: UInt64?, neighbourhood: String? = nil, standings: String? = nil,
        wait: Duration
    ) async throws -> AssignmentsAnswer {
        var query: [(String, String)] = []
        if let generation { query.append(("after", generation.description)) }
        if let reports { query.append(("reports", String(reports))) }
        if let neighbourhood { query.append(("neighbourhood", neighbourhood)) }
        if let standings { query.append(("standings", standings)) }
        query.append(("wait", String(wait.components.seconds)))
        return try await call(.assignments, query: query, wait: wait)
    }

    /// Registers a release with the metadata that signs it (operators and the origin of the set). Doing it again changes
    /// nothing.
    /// - Throws: `APIError`, or `CancellationError`.
    package func register(_ registration: ReleaseRegistration) async throws -> RegisteredRelease {
        try await call(.registerRelease, body: registration)
    }

    /// Hands in encoded `RepositoryDocuments` (operators, agents and the origin); what the coordinator has then.
    /// - Throws: `APIError`, or `CancellationError`.
    package func submit(metadata: [UInt8]) async throws -> MetadataReceipt {
        try await call(.submitMetadata, body: MetadataSubmission(metadata: metadata))
    }

    /// Registered releases of `set`, or of every set, ascending.
    /// - Throws: `APIError`, or `CancellationError`.
    package func releases(set: String? = nil) async throws -> [RegisteredRelease] {
        let list: ReleaseList = try await call(.listReleases, query: set.map { [("set", $0)] } ?? [])
        return list.releases
    }

    /// One registered release; nil if there is none of that name.
    /// - Throws: `APIError`, or `CancellationError`.
    package func release(set: String, sequence: UInt64) async throws -> RegisteredRelease? {
        try await optional { try await call(.release, filling: ["set": set, "sequence": String(sequence)]) }
    }

    /// What mirrors said in their reports of holding a release (agents and origins), an encoded `ReceiptList`; `release` is
    /// the digest of its document in hex.
    /// - Throws: `APIError`, or `CancellationError`.
    package func receipts(set: String, release: String) async throws -> [UInt8] {
        let answer: ReceiptsAnswer = try await call(.receipts, filling: ["set": set, "release": release])
        return answer.receipts.bytes
    }

    /// Makes a plan (operators); see `PlanOrder`.
    /// - Throws: `APIError`, or `CancellationError`.
    package func makePlan(_ order: PlanOrder) async throws -> PlanAnswer {
        try await call(.makePlan, body: order, wait: .seconds(min(max(order.refreshSeconds, 0), 30)))
    }

    /// The newest plan (operators); nil while there is none.
    /// - Throws: `APIError`, or `CancellationError`.
    package func currentPlan() async throws -> Plan? {
        try await optional { try await call(.currentPlan) }
    }

    /// The plan of that generation (operators); nil if there is none.
    /// - Throws: `APIError`, or `CancellationError`.
    package func plan(_ generation: Generation) async throws -> Plan? {
        try await optional { try await call(.plan, filling: ["generation": generation.description]) }
    }

    /// The term of new plans, and whether a new one is needed (operators).
    /// - Throws: `APIError`, or `CancellationError`.
    package func term() async throws -> TermAnswer {
        try await call(.term)
    }

    /// Begins the term in an encoded `SignedTerm` (operators).
    /// - Throws: `APIError`, or `CancellationError`.
    package func declare(term: [UInt8]) async throws -> TermAnswer {
        try await call(.declareTerm, body: TermDeclaration(signed: term))
    }

    /// The state of the fleet (operators). With `change` it waits up to `wait` (at most one minute) for another value
    /// of `StatusAnswer.change`.
    /// - Throws: `APIError`, or `CancellationError`.
    package func status(after change: UInt64? = nil, wait: Duration = .zero) async throws -> StatusAnswer {
        var query: [(String, String)] = []
        if let change {
            query = [("after", String(change)), ("wait", String(wait.components.seconds))]
        }
        return try await call(.status, query: query, wait: wait)
    }

    /// The fleet.yaml that rules (operators).
    /// - Throws: `APIError`, or `CancellationError`.
    package func fleet() async throws -> FleetAnswer {
        try await call(.fleet)
    }

    /// Goes over to a changed fleet.yaml, or says what that would change (operators).
    /// - Throws: `APIError`, or `CancellationError`.
    package func apply(_ order: PolicyOrder) async throws -> PolicyAnswer {
        try await call(.applyFleet, body: order)
    }

    /// Whether the coordinator answers, and which it is.
    /// - Throws: `APIError`, or `CancellationError`.
    package func health() async throws -> HealthAnswer {
        try await call(.health)
    }

    /// A newer certificate for this agent's key.
    /// - Throws: `APIError`, or `CancellationError`.
    package func renewCertificate() async throws -> CertificateAnswer {
        try await call(.renewCertificate, body: [String: String]())
    }

    /// Admits a host, which joins with a token (operators).
    /// - Throws: `APIError`, or `CancellationError`.
    package func enrol(_ order: EnrolmentOrder) async throws -> EnrolmentReceipt {
        try await call(.enrol, body: order)
    }

    /// Hands in an encoded `StandingList` (operators, agents and the origin).
    /// - Throws: `APIError`, or `CancellationError`.
    package func submit(standings: [UInt8]) async throws -> StandingReceipt {
        try await call(.submitStandings, body: StandingSubmission(standings: standings))
    }

    /// How the hosts of fleet.yaml belong to the fleet.
    /// - Throws: `APIError`, or `CancellationError`.
    package func members() async throws -> MemberList {
        try await call(.members)
    }

    /// Says something of a host beyond fleet.yaml, or takes it back (operators); what counts for it now.
    /// - Throws: `APIError`, or `CancellationError`.
    package func override(_ order: OverrideOrder) async throws -> OverrideList {
        try await call(.override, body: order)
    }

    /// The certificate of the fleet's authority; anybody may ask.
    /// - Throws: `APIError`, or `CancellationError`.
    package func authority() async throws -> AuthorityAnswer {
        try await call(.authority)
    }

    /// Joins the fleet by a token; whoever has one may.
    /// - Throws: `APIError`, or `CancellationError`.
    package func join(_ request: JoinRequest) async throws -> JoinAnswer {
        try await call(.join, body: request)
    }

    /// Turns a refusal with code `not-found` into nil.
    private func optional<Answer: Sendable>(_ body: () async throws -> Answer) async throws -> Answer? {
        do {
            return try await body()
        } catch APIError.refused(let refusal) where refusal.code == RefusalCode.notFound {
            return nil
        }
    }
}

extension CoordinatorClient {
    /// One call without a body.
    private func call<Answer: Decodable & Sendable>(
        _ route: Route, filling parts: [String: String] = [:], query: [(String, String)] = [], wait: Duration = .zero
    ) async throws -> Answer {
        try await finish(transport.send(route, parts: parts, query: query, body: nil, wait: wait))
    }

    /// One call with a JSON body.
    private func call<Answer: Decodable & Sendable>(
        _ route: Route, body: some Encodable, wait: Duration = .zero
    ) async throws -> Answer {
        try await finish(transport.send(route, parts: [:], query: [], body: WireJSON.encode(body), wait: wait))
    }

    private func finish<Answer: Decodable>(_ bytes: [UInt8]) throws(APIError) -> Answer {
        do {
            return try WireJSON.decode(Answer.self, from: bytes)
        } catch {
            throw .malformed(what: error.description)
        }
    }
}
