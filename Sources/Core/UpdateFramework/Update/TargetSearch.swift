/// A targets role to look into, and by which way.
struct DelegatedRole: Sendable {
    let name: RoleName
    /// The roles from root to this one.
    let path: [RoleName]
    let signers: RoleSigners

    /// The targets role of the top level.
    static func topLevel(_ root: RootMetadata) -> DelegatedRole {
        DelegatedRole(name: .targets, path: [.root, .targets], signers: root.delegation(of: .targets))
    }

    /// A role that this one delegates to.
    func delegate(_ delegation: Delegation, in contents: TargetsMetadata) -> DelegatedRole {
        DelegatedRole(
            name: delegation.role, path: path + [delegation.role],
            signers: RoleSigners(
                delegator: name, delegatorVersion: contents.version, ring: contents.keys, keys: delegation.keys))
    }
}

/// The search for one target: depth first, a role before those that it delegates to, in the order of the delegations.
struct TargetSearch: Sendable {
    let target: TargetPath
    /// Roles that were looked into: none is twice, so that delegations in a circle end.
    var visited: Set<RoleName> = []
    /// Roles still to look into, the next one last.
    var pending: [DelegatedRole]
}

extension RepositoryUpdate {
    /// Begins the search for a target, in an update that is refreshed and searches for no other.
    package mutating func find(_ target: TargetPath) -> [Action] {
        guard case .ready = state else { preconditionFailure("a search in \(state)") }
        search = TargetSearch(target: target, pending: [.topLevel(root)])
        return deciding { update throws(UpdateError) in try update.searchOn() }
    }

    /// Looks into the next role, which has been verified, or is to be first.
    private mutating func searchOn() throws(UpdateError) -> [Action] {
        while let role = search?.pending.popLast() {
            guard let search, search.visited.count < Self.roleLimit else { break }
            guard !search.visited.contains(role.name) else { continue }
            guard let contents = targets[role.path] else { return visit(role) }
            if let actions = try look(into: contents, of: role) { return actions }
        }
        guard let ended = search else { preconditionFailure("no search is going on") }
        search = nil
        state = .ready
        return [.absent(ended.target, visitedRoleCount: ended.visited.count)]
    }

    /// Goes on after a role was verified.
    mutating func searched(_ contents: TargetsMetadata, of role: DelegatedRole) throws(UpdateError) -> [Action] {
        if let actions = try look(into: contents, of: role) { return actions }
        return try searchOn()
    }

    /// Ends the search if the role names the target, else notes whom it delegates to.
    private mutating func look(
        into contents: TargetsMetadata, of role: DelegatedRole
    ) throws(UpdateError) -> [Action]? {
        guard var search else { preconditionFailure("no search is going on") }
        if let description = contents.targets[search.target] {
            self.search = nil
            state = .ready
            return [
                .found(
                    VerifiedTarget(
                        path: search.target, description: description, authority: role.path,
                        version: contents.version, expires: earliestExpiry(along: role.path),
                        hasHashedName: root.hasConsistentSnapshots))
            ]
        }
        search.visited.insert(role.name)
        var delegates: [DelegatedRole] = []
        for delegation in contents.delegations where delegation.covers(search.target) {
            let delegate = role.delegate(delegation, in: contents)
            if verifier.profile.isOwn,
                search.visited.contains(delegate.name) || search.pending.contains(where: { $0.name == delegate.name })
            {
                throw .delegatedTwice(delegate.name, by: role.name)
            }
            delegates.append(delegate)
            if delegation.isTerminating {
                search.pending = []
                break
            }
        }
        search.pending += delegates.reversed()
        self.search = search
        return nil
    }
}
