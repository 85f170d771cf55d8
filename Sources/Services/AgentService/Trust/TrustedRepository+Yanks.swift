import Content
import Store
import Trust
import UpdateFramework

extension TrustedRepository {
    /// The sets of `store` whose signed list of yanked paths is not the one in force there, ascending. Throws what the
    /// database says.
    func setsWithNewYanks(in store: Store) throws -> [String] {
        guard let repository else { return [] }
        return try store.sets().filter { try isNew(yanksOf: $0, in: store, repository) }
    }

    /// Whether the signed list of yanked paths of `set` is not the one in force in `store`.
    func hasNewYanks(ofSet set: String, in store: Store) throws -> Bool {
        try repository.map { try isNew(yanksOf: set, in: store, $0) } ?? false
    }

    private func isNew(yanksOf set: String, in store: Store, _ repository: VerifiedRepository) throws -> Bool {
        guard let target = repository.yankTarget(ofSet: set) else { return false }
        guard let held = try store.yankList(set: set) else { return true }
        return (try? target.verify(held)) == nil
    }

    /// Takes what the list `bytes` names out of the trees of `set`, if its keys signed it. Throws `TrustError`, and what the
    /// store throws.
    func apply(yanked bytes: [UInt8], ofSet set: String, to store: Store) throws {
        guard let repository else { throw TrustError.notYanked(set) }
        let yanks = try repository.verify(yanked: bytes, ofSet: set)
        try store.apply(yanks)
        told(yanks.list)
    }
}
