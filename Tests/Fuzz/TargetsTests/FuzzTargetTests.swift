import FuzzTargets
import Glibc
import Testing

/// Every decoder over every kept case, its seeds, and many changes of them. `scripts/fuzz` looks longer.
@Suite(.timeLimit(.minutes(10))) struct FuzzTargetTests {
    private static let seed = getenv("FLEET_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_128

    private static var rounds: Int { getenv("FLEET_LONG") == nil ? 4_000 : 400_000 }

    /// Targets that go over files on disk are slower.
    private static func rounds(of target: FuzzTarget) -> Int {
        target == .index || target == .certificate ? rounds / 20 : rounds
    }

    @Test("a case that was kept is decoded or refused, and breaks no promise", arguments: FuzzTarget.allCases)
    func kept(target: FuzzTarget) throws {
        for kept in try target.kept() {
            #expect(throws: Never.self, "\(kept)") { _ = try target.run(kept.bytes) }
        }
    }

    @Test("the seeds are good: at least one of each decoder is accepted", arguments: FuzzTarget.allCases)
    func seeds(target: FuzzTarget) throws {
        let accepted = try target.seeds().count { try target.run($0) }
        #expect(accepted > 0, "no seed leads into \(target.rawValue)")
    }

    @Test("changed inputs are decoded or refused, and break no promise", arguments: FuzzTarget.allCases)
    func mutations(target: FuzzTarget) throws {
        let seeds = try target.seeds()
        var mutator = FuzzMutator(seed: Self.seed)
        var accepted = 0
        for round in 0..<Self.rounds(of: target) {
            let input = mutator.mutate(seeds, byteLimit: target.byteLimit)
            do {
                if try target.run(input) { accepted += 1 }
            } catch {
                Issue.record("FLEET_SEED=\(Self.seed), round \(round): \(error); input \(input.prefix(200))")
                return
            }
        }
        print("\(target.rawValue): FLEET_SEED=\(Self.seed), \(accepted) of \(Self.rounds(of: target)) accepted")
    }
}
