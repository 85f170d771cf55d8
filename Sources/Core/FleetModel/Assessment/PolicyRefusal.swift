/// Why a changed fleet.yaml is not taken.
package struct PolicyRefusal: Codable, Sendable, Hashable {
    /// Which rule it breaks.
    package enum Code: String, Codable, Sendable, Hashable, CaseIterable {
        /// It is the fleet.yaml of another fleet.
        case fleetName = "fleet-name"
        /// The coordinator's state would be left behind.
        case stateFolder = "state-folder"
        /// A host goes that an operator has said something of.
        case override
        /// A host goes, or a set leaves it, and nobody else holds the set's newest release.
        case onlyCopy = "only-copy"
        /// Fewer mirrors than the set asks for would hold its newest release.
        case replicas
        /// A set with releases goes.
        case setRemoved = "set-removed"
        /// Another tree would be published as a set with releases.
        case setSource = "set-source"
        /// A set with releases gets another origin that does not hold its newest one.
        case setOrigin = "set-origin"
        /// All files of a set with releases would be cut anew.
        case chunks

        /// Whether an operator may say that it is meant so.
        package var canBeAllowed: Bool { self != .fleetName && self != .stateFolder && self != .override }
    }

    /// The rule.
    package var code: Code
    /// What it is about, as in ``PolicyChange``.
    package var path: String
    /// What is wrong.
    package var message: String
    /// What to do.
    package var hint: String

    /// Makes the refusal from its parts.
    package init(_ code: Code, _ path: String, _ message: String, _ hint: String) {
        self.code = code
        self.path = path
        self.message = message
        self.hint = hint
    }
}

/// Says what is unsafe about going over from one fleet.yaml to another, each valid in itself: rules over what hosts hold
/// and what operators said.
package struct PolicyRules {
    private let old: Fleet
    private let new: Fleet
    /// The newest release of each set that has one.
    private let heads: [String: RegisteredRelease]
    private let observations: [MirrorObservation]
    private let overrides: [HostOverride]

    /// - Parameters:
    ///   - old: what is in force, without overrides.
    ///   - heads: the newest release of each set that has one.
    ///   - observations: the last report of each host.
    ///   - overrides: what operators said of hosts.
    package init(
        from old: Fleet, to new: Fleet, heads: [String: RegisteredRelease], observations: [MirrorObservation],
        overrides: [HostOverride]
    ) {
        self.old = old
        self.new = new
        self.heads = heads
        self.observations = observations
        self.overrides = overrides
    }

    /// Every rule that is broken, fleet first, then hosts, then sets.
    package func refusals() -> [PolicyRefusal] { fleetRefusals() + hostRefusals() + old.sets.flatMap(setRefusals) }

    private func fleetRefusals() -> [PolicyRefusal] {
        var refusals: [PolicyRefusal] = []
        if old.name != new.name {
            refusals.append(
                PolicyRefusal(
                    .fleetName, "name", "this coordinator is of the fleet \(old.name), not of \(new.name)",
                    "give every fleet its own coordinator and state folder"))
        }
        if old.coordinator.statePath != new.coordinator.statePath {
            refusals.append(
                PolicyRefusal(
                    .stateFolder, "coordinator.state",
                    "the state lies in \(old.coordinator.statePath), and would be left behind there",
                    "stop the coordinator, move the folder, change its own fleet.yaml, start it"))
        }
        return refusals
    }

    private func hostRefusals() -> [PolicyRefusal] {
        overrides.filter { new.mirror(named: $0.mirror) == nil && old.mirror(named: $0.mirror) != nil }.map { over in
            PolicyRefusal(
                .override, "mirrors.\(over.mirror)",
                "\(over.mirror) is \(over.words) by \(over.by): that would be forgotten with it",
                "take that back first, or use `fleetctl mirror expunge \(over.mirror)`")
        }
    }

    private func setRefusals(_ before: SetPolicy) -> [PolicyRefusal] {
        guard let head = heads[before.name] else { return [] }
        let path = "sets.\(before.name)"
        guard let after = new.set(named: before.name) else {
            return [
                PolicyRefusal(
                    .setRemoved, path, "\(before.name) has releases, the newest is \(head.sequence)",
                    "mirrors go on serving what they have of it; if that is meant: --allow set-removed")
            ]
        }
        var refusals: [PolicyRefusal] = []
        if let source = before.source, let other = after.source, source != other {
            refusals.append(
                PolicyRefusal(
                    .setSource, "\(path).source", "the next publish would take \(other) in place of \(source)",
                    "compare the two trees; if that is meant: --allow set-source"))
        }
        if before.chunkProfile != after.chunkProfile {
            refusals.append(
                PolicyRefusal(
                    .chunks, "\(path).chunks", "the next release would be cut anew, and changed files sent whole",
                    "if that is meant: --allow chunks"))
        }
        return refusals + copyRefusals(before, after, head)
    }

    /// Rules that count who verifiably serves the newest release.
    private func copyRefusals(_ before: SetPolicy, _ after: SetPolicy, _ head: RegisteredRelease) -> [PolicyRefusal] {
        let holders = observations.filter { observation in
            observation.report.sets.contains {
                $0.name == head.set && $0.sequence == head.sequence && $0.root == head.root && $0.badPaths.isEmpty
            }
        }.map(\.report.mirror)
        func carriers(_ fleet: Fleet) -> Set<String> {
            Set(fleet.mirrors.filter { $0.sets.contains(head.set) }.map(\.name)).intersection(holders)
        }
        let (had, have) = (carriers(old), carriers(new))
        let path = "sets.\(head.set)"
        var refusals: [PolicyRefusal] = []
        if before.origin != after.origin, !have.contains(after.origin) {
            refusals.append(
                PolicyRefusal(
                    .setOrigin, "\(path).origin", "\(after.origin) does not hold release \(head.sequence)",
                    "sync it there first, so that the next release is made on top of it; if that is meant: --allow set-origin"
                ))
        }
        let gone = had.subtracting(have).sorted()
        guard let first = gone.first else { return refusals }
        let place = new.mirror(named: first) == nil ? "mirrors.\(first)" : "mirrors.\(first).sets"
        let copies = have.filter { new.mirror(named: $0)?.role == .mirror }.count
        if have.isEmpty {
            refusals.append(
                PolicyRefusal(
                    .onlyCopy, place, "nobody but \(first) holds release \(head.sequence) of \(head.set)",
                    "bring another host in step first (`fleetctl sync --wait`); if that is meant: --allow only-copy"))
        } else if copies < after.replicas {
            refusals.append(
                PolicyRefusal(
                    .replicas, place,
                    "\(head.set) asks for \(after.replicas) copies, and without \(first) \(copies) would be in step",
                    "bring another mirror in step first (`fleetctl sync --wait`); if that is meant: --allow replicas"))
        }
        return refusals
    }
}
