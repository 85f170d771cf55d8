import SigningKeys
import TestSupport
import Testing
import UpdateFramework

/// Random histories of additions, rotations and revocations, beside the engine that mirrors run.
@Suite struct TrustHistoryTests {
    /// What the model knows: people by number, in the order in which they came, and thresholds.
    private struct Model {
        var people: [RoleName: [UInt8]]
        var thresholds: [RoleName: Int]

        func accepts(_ role: RoleName, _ signers: Set<UInt8>) -> Bool {
            signers.intersection(people[role] ?? []).count >= thresholds[role] ?? 1
        }
    }

    private static let everybody: ClosedRange<UInt8> = 1...9

    @Test func `what is complete is taken by the engine, and what lacks a signature never`() throws {
        var random = SplitMix64(test: "trust histories", fallback: 20_261_128)
        var (taken, refused) = (0, 0)
        for _ in 0..<40 {
            var model = Model(people: [.root: [1], .targets: [2], .timestamp: [3], .snapshot: [3]], thresholds: [:])
            let first = try TrustChange(
                fleet: TestRepository.fleet,
                first: TrustPlan(
                    root: try grant([1]), targets: try grant([2]), online: try grant([3]),
                    sets: [#require(SetGrant(set: "a", try grant([4])))]), expires: TestRepository.later(9))
            var (roots, targets) = try documents(try sign(first, [1, 2], &random))
            for _ in 0..<10 {
                let trust = try FleetTrust(fleet: TestRepository.fleet, roots: roots, targets: targets)
                guard let (change, next) = try randomChange(of: trust, model, &random) else { continue }
                let signers = Set(Self.everybody.filter { _ in Int.random(in: 0..<3, using: &random) > 0 })
                let signed = try sign(change, signers, &random)
                let changesRoot = signed.documents.contains { $0.role == .root }
                let changesTargets = signed.documents.contains { $0.role == .targets }
                let isGood =
                    (!changesRoot || (model.accepts(.root, signers) && next.accepts(.root, signers)))
                    && (!changesTargets || next.accepts(.targets, signers))
                #expect(signed.isComplete == isGood, "\(model) to \(next) by \(signers.sorted())")
                #expect(signed.missing.isEmpty == isGood)
                let (newRoots, newTargets) = try documents(signed)
                let outcome = try refresh(
                    from: roots[0], roots + newRoots, newTargets.isEmpty ? targets : newTargets, next)
                #expect((outcome == nil) == isGood, "\(model) to \(next) by \(signers.sorted()): \(outcome as Any)")
                if isGood {
                    taken += 1
                    roots += newRoots
                    targets = newTargets.isEmpty ? targets : newTargets
                    model = next
                } else {
                    #expect(outcome == "too-few-signers")
                    refused += 1
                }
            }
        }
        #expect(taken > 60 && refused > 60, "\(taken) taken, \(refused) refused")
    }

    private func grant(_ numbers: [UInt8]) throws -> RoleGrant {
        RoleGrant(try numbers.map { OwnedKey(try key($0).key, owner: []) }, threshold: 1)
    }

    /// A change of one role, and the model after it; nil if it cannot be.
    private func randomChange(
        of trust: FleetTrust, _ model: Model, _ random: inout SplitMix64
    ) throws -> (TrustChange, Model)? {
        var (plan, next) = (TrustPlan(trust), model)
        let role = [RoleName.root, .root, .targets, .timestamp].randomElement(using: &random) ?? .root
        var people = model.people[role] ?? []
        let new = UInt8.random(in: Self.everybody, using: &random)
        let gone = try #require(people.randomElement(using: &random))
        let owned = OwnedKey(try key(new).key, owner: Array("p\(new)".utf8))
        do throws(TrustChangeError) {
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                let threshold = Int.random(in: 1...(people.count + 1), using: &random)
                try plan.add(owned, to: role, threshold: threshold)
                people.append(new)
                next.thresholds[role] = threshold
            case 1:
                try plan.replace(keyID(gone), by: owned, in: role)
                people = people.map { $0 == gone ? new : $0 }
            case 2:
                try plan.revoke(keyID(gone))
                for (role, people) in next.people { next.people[role] = people.filter { $0 != gone } }
                people = next.people[role] ?? []
            case 3:
                let threshold = Int.random(in: 1...3, using: &random)
                try plan.setThreshold(threshold, of: role)
                next.thresholds[role] = threshold
            default:
                try plan.expire(Bool.random(using: &random) ? .root : .targets, at: TestRepository.later(8))
            }
            next.people[role] = people
            return (try TrustChange(from: trust, to: plan, expires: TestRepository.later(9)), next)
        } catch {
            return nil
        }
    }

    private func keyID(_ number: UInt8) -> KeyID {
        guard let key = try? key(number).key.id else { preconditionFailure("key \(number)") }
        return key
    }

    /// Signs in two places, and brings both halves together by files.
    private func sign(
        _ change: TrustChange, _ signers: Set<UInt8>, _ random: inout SplitMix64
    ) throws -> TrustChange {
        var (here, there) = (change, try TrustChange(file: change.file))
        for number in signers.sorted() {
            if Bool.random(using: &random) {
                _ = try here.sign(with: try key(number))
            } else {
                _ = try there.sign(with: try key(number))
            }
        }
        _ = try here.merge(try TrustChange(file: there.file))
        return here
    }

    private func documents(_ change: TrustChange) throws -> (roots: [[UInt8]], targets: [UInt8]) {
        func bytes(_ role: RoleName) -> [UInt8]? { change.documents.first { $0.role == role }?.document.bytes }
        return (bytes(.root).map { [$0] } ?? [], bytes(.targets) ?? [])
    }

    /// A whole update of a mirror that knows the first root; the word for what was refused.
    private func refresh(
        from first: [UInt8], _ roots: [[UInt8]], _ targets: [UInt8], _ model: Model
    ) throws -> String? {
        let writer = MetadataWriter(profile: .fleet(TestRepository.fleet))
        func online(_ role: RoleName) throws -> [any MetadataSigner] {
            try (model.people[role] ?? []).map { try key($0) }
        }
        let contents = try TargetsVersion.of(targets)
        let snapshot = try writer.document(
            SnapshotMetadata(
                version: 1, expires: TestRepository.later(5),
                roles: [.targets: MetadataDescription(version: contents, of: targets)]), role: .snapshot,
            signers: online(.snapshot))
        let timestamp = try writer.document(
            TimestampMetadata(
                version: 1, expires: TestRepository.later(5), snapshot: MetadataDescription(version: 1, of: snapshot)),
            role: .timestamp, signers: online(.timestamp))
        var repository = try TestRepository()
        repository.documents[.root] = first
        repository.files = [
            "timestamp.json": timestamp, "1.snapshot.json": snapshot, "\(contents).targets.json": targets,
        ]
        for (index, root) in roots.enumerated() { repository.files["\(index + 1).root.json"] = root }
        var client = TestClient(repository)
        return try client.refresh(repository).label
    }
}

/// The version that a document says.
private enum TargetsVersion {
    static func of(_ bytes: [UInt8]) throws -> Int64 {
        let document = try SignedMetadata(bytes, byteCount: 1 << 20)
        guard case .integer(let version)? = document.signed["version"] else { return 0 }
        return version
    }
}
