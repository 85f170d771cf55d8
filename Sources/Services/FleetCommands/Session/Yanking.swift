import Content
import FleetAPI
import FleetModel
import Trust
import UpdateFramework

/// One change of a set's list of yanked paths, on the operator's side.
struct Yanking {
    /// Hosts that are up have said what they did long before.
    private static let patience = Duration.seconds(20)
    /// How long hosts have for a report that they are asked for; most take a moment.
    private static let reportSeconds = 5
    private static let code = "yank-pending"

    private let options: YankOptions
    private let session: FleetSession
    private let origin: String
    private var set: String { options.set }

    /// Throws a `FleetctlError` if fleet.yaml cannot be read, or has no such set.
    init(_ options: YankOptions) throws {
        self.options = options
        session = try FleetSession(options.option)
        origin = try session.set(options.set).origin
    }

    /// Changes the list that is in force by `change`, signs it, has the origin take it, and waits for the hosts; with
    /// `--request` it writes the file that asks for signatures instead. A path to yank is one that the head of the set has.
    func change(
        _ kind: RoleRequestKind, _ path: RelativePath, _ change: (inout YankList) throws(FleetctlError) -> Void
    ) async throws {
        let file = options.request.request
        let signers = try options.keys.signers(of: set, wanted: file == nil ? nil : 0, session)
        let held = try await session.metadata(of: set, at: origin, path: kind == .yank ? path.bytes : nil)
        do {
            var (list, replaced) = try await inForce(held, signers.trust)
            try change(&list)
            let bytes = list.encode()
            if let file {
                let target = RoleChange.Target(path: FleetRoles.yanked(ofSet: set), bytes: bytes)
                let next = try signers.change(after: held.documents, to: target, replacing: replaced) {
                    $0.set(yanked: bytes)
                }
                let outcome = try RequestOutcome.write(try YankRequest(next), signers: signers.signers, to: file)
                return print("asks for signatures: \(kind) of \(set)/\(path)\n\(outcome.text)")
            }
            let documents = try signers.documents(after: held.documents, now: .current) { $0.set(yanked: bytes) }
            try await take(documents, list)
        } catch let error as UpdateError {
            throw FleetctlError.refusedMetadata(error, ofSet: set)
        }
        try await finish(kind, [path])
    }

    /// Has the origin take what was signed in the files of `--import`, and waits for the hosts. What is in force already is
    /// not taken again.
    func carryOut(_ kind: RoleRequestKind) async throws {
        let signed: SignedRequest<YankRequest> = try options.request.signed(
            for: kind, of: set, keys: options.keys, session)
        let held = try await session.metadata(of: set, at: origin)
        do {
            if try await inForce(held, signed.trust).signed != signed.request.change.target.bytes {
                try await take(try signed.documents(after: held.documents), signed.request.list)
            }
        } catch let error as UpdateError {
            throw FleetctlError.refusedMetadata(error, ofSet: set)
        }
        try await finish(kind, (signed.request.added + signed.request.removed).map(\.path))
    }

    /// The list that is in force, and its bytes if the role of the set names them. Where the role names one nothing else is
    /// built upon: an origin that shows another could have yanked paths signed away. One that lost it has no neighbours to
    /// ask, so the other hosts of the set are asked here.
    private func inForce(
        _ held: (documents: RepositoryDocuments, list: YankList?), _ trust: OperatorTrust
    ) async throws -> (list: YankList, signed: [UInt8]?) {
        guard let repository = try trust.repository(with: held.documents), repository.yankTarget(ofSet: set) != nil
        else {
            for entry in held.list?.entries ?? [] {
                session.terminal.warn(
                    "\(set)/\(entry.path) is yanked at \(origin), and no list that is signed now says so")
            }
            return (held.list ?? YankList(fleet: session.fleet.name, set: set), nil)
        }
        if let verified = verified(held.list, repository) { return (verified.list, verified.bytes) }
        for mirror in session.fleet.mirrors where mirror.name != origin && mirror.sets.contains(set) {
            let answer = try? await session.metadata(of: set, at: mirror.name)
            if let verified = verified(answer?.list, repository) { return (verified.list, verified.bytes) }
        }
        throw FleetctlError(
            .tryAgain, "the list of yanked paths in force at \(origin) is not the one that was signed last",
            hint: "no other host that carries \(set) gave it either: start one, then look into \(origin)")
    }

    private func verified(_ list: YankList?, _ repository: VerifiedRepository) -> VerifiedYankList? {
        list.flatMap { try? repository.verify(yanked: $0.encode(), ofSet: set) }
    }

    private func take(_ documents: RepositoryDocuments, _ list: YankList) async throws {
        let kept = session.fleet.keeper == origin ? documents : try await session.exchangeMetadata(documents)
        _ = try await session.metadata(of: set, at: origin, taking: (kept, list))
    }

    private func finish(_ kind: RoleRequestKind, _ paths: [RelativePath]) async throws {
        for path in paths { print("\(kind)ed \(set)/\(path)") }
        try await waitForHosts()
    }

    /// Waits until every host has said that it did it. Throws with exit code 3 and their names if some have not.
    private func waitForHosts() async throws {
        let pending: [String]
        do {
            pending = try await pendingHosts()
        } catch {
            return session.terminal.warn(
                "the list is in force at \(origin), and who else has it is not known: \(error)")
        }
        guard pending.isEmpty else {
            throw FleetctlError(
                .someMirrorsFailed, "no word yet from \(pending.joined(separator: ", "))",
                hint: "they may serve it still; \(session.command) status shows when they have done it")
        }
        print("every mirror of \(set) has said so")
    }

    /// Hosts that have not said so when the time is over.
    private func pendingHosts() async throws -> [String] {
        let client = try session.coordinator()
        let clock = ContinuousClock()
        let deadline = clock.now + Self.patience
        var change: UInt64?
        while true {
            let answer = try await client.status(after: change, wait: change == nil ? .zero : .seconds(1))
            change = answer.change
            let pending = answer.status.problems.filter { $0.code == Self.code && $0.set == set }.compactMap(\.mirror)
            if pending.isEmpty || clock.now >= deadline { return pending }
            // By themselves hosts report once in each interval: asking for a plan asks them for a report.
            _ = try? await client.makePlan(PlanOrder(sets: [set], dryRun: true, refreshSeconds: Self.reportSeconds))
        }
    }
}
