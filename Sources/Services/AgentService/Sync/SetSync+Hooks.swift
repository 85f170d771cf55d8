import Content
import FleetModel
import Logging
import Store
import Trust

/// The programs of this host's operator, at their moments of a sync.
extension SetSync {
    /// Runs the programs of a moment that may stop the sync.
    /// - Throws: `HookFailure` for the first that fails.
    func passHooks(_ moment: HostHooks.Moment, root: String = "") async throws {
        guard let hooks else { return }
        let facts = try await facts(root: root, reason: nil)
        try await pool.run { try hooks.run(moment, facts) }
    }

    /// The same before the flip: what they look at is durable and proved complete, and not served yet.
    /// - Throws: what the store throws, too.
    func passHooksBeforeFlip(_ release: VerifiedRelease, _ session: FetchSession) async throws {
        guard let hooks, try await pool.run({ try hooks.has(.preFlip) }) else { return }
        let trees = TreePolicy(line)
        try await pool.run { try session.hold(trees) }
        try await passHooks(.preFlip, root: "\(release.document.manifest.digest)")
    }

    /// Runs the programs of a moment at which nothing can be stopped any more: one that fails is logged.
    func runHooks(_ moment: HostHooks.Moment, root: String = "", reason: String? = nil) async {
        guard let hooks else { return }
        do {
            let facts = try await facts(root: root, reason: reason)
            try await pool.run { try hooks.run(moment, facts) }
        } catch {
            logger.error(
                "a hook failed", metadata: ["set": "\(line.set)", "hook": "\(moment.rawValue)", "error": "\(error)"])
        }
    }

    private func facts(root: String, reason: String?) async throws -> HostHooks.Facts {
        let sequence = line.sequence ?? 0
        let head = try await pool.run { [store, line] in try store.head(set: line.set)?.sequence }
        // After the flip the head is the release itself.
        return HostHooks.Facts(
            set: line.set, sequence: sequence, root: root, previous: head == sequence ? nil : head, reason: reason)
    }
}
