/// Rules over the whole fleet: what is right line by line and still cannot be.
struct FleetRules {
    let sets: [ReadSet]
    let mirrors: [ReadMirror]
    let defaults: ReadDefaults
    let trust: ReadTrust?
    /// Sets that shares of bandwidth are given to.
    let weighted: [PlacedText]
    /// Sets that upload slots are given to.
    let limited: [PlacedText]
    let mistakes: MistakeList
    /// Whether every set of the file could be read, so that a name that is not among them is a mistake.
    let knowsAllSets: Bool

    /// Adds a mistake for every rule that is broken. Rules that count are tried only when every line was right, so that
    /// one mistake does not bring others.
    func check() {
        let isWhole = mistakes.isEmpty
        checkSetNames()
        checkMirrorNames()
        checkAddresses()
        if knowsAllSets {
            checkCarriedSets()
            checkWeightedSets()
        }
        guard isWhole else { return }
        checkOrigins()
        if mistakes.isEmpty { checkOriginRoles() }
        if mistakes.isEmpty { checkReplicas() }
        if mistakes.isEmpty { checkKeeper() }
    }

    private func checkSetNames() {
        var first: [String: TextPlace] = [:]
        for set in sets {
            if let earlier = first[set.policy.name] {
                mistakes.add(
                    set.place, "\(set.label).name: \(quoted(set.policy.name)) is on line \(earlier.line) already",
                    "give every set its own name")
            } else {
                first[set.policy.name] = set.place
            }
        }
    }

    private func checkMirrorNames() {
        var first: [String: TextPlace] = [:]
        for mirror in mirrors {
            if let earlier = first[mirror.policy.name] {
                mistakes.add(
                    mirror.place,
                    "\(mirror.label).name: \(quoted(mirror.policy.name)) is on line \(earlier.line) already",
                    "give every mirror its own name")
            } else {
                first[mirror.policy.name] = mirror.place
            }
        }
    }

    private func checkAddresses() {
        var first: [NetworkAddress: ReadMirror] = [:]
        for mirror in mirrors {
            let address = NetworkAddress(
                host: mirror.policy.address.host.lowercased(), port: mirror.policy.address.port)
            if let earlier = first[address] {
                mistakes.add(
                    mirror.addressPlace,
                    "\(mirror.label).address: \(quoted(address.description)) is the address of"
                        + " \(quoted(earlier.policy.name)) already",
                    "give every mirror its own address")
            } else {
                first[address] = mirror
            }
        }
    }

    /// Every set named by a mirror or by the defaults exists.
    private func checkCarriedSets() {
        let names = sets.map(\.policy.name)
        func check(_ list: [PlacedText]?, _ label: String) {
            for item in list ?? [] where !names.contains(item.text) {
                mistakes.add(item.place, "\(label): no set \(quoted(item.text))", meant(item.text, names, "sets"))
            }
        }
        check(defaults.sets, "defaults.sets")
        for mirror in mirrors { check(mirror.ownSets, "\(mirror.label).sets") }
    }

    private func checkWeightedSets() {
        let names = sets.map(\.policy.name)
        for item in weighted where !names.contains(item.text) {
            mistakes.add(
                item.place, "bandwidth.priorities: no set \(quoted(item.text))", meant(item.text, names, "sets"))
        }
        for item in limited where !names.contains(item.text) {
            mistakes.add(item.place, "swarm.sets: no set \(quoted(item.text))", meant(item.text, names, "sets"))
        }
    }

    /// Every set's origin is a host with that role that carries it.
    private func checkOrigins() {
        let hosts = Dictionary(mirrors.map { ($0.policy.name, $0) }, uniquingKeysWith: { first, _ in first })
        for set in sets {
            let label = "\(set.label).origin"
            let name = set.policy.origin
            guard let origin = hosts[name] else {
                mistakes.add(
                    set.originPlace, "\(label): no mirror \(quoted(name))",
                    meant(name, mirrors.map(\.policy.name), "mirrors"))
                continue
            }
            if origin.policy.role != .origin {
                mistakes.add(
                    set.originPlace, "\(label): \(quoted(name)) has role mirror",
                    "give \(quoted(name)) \"role: origin\" on line \(origin.place.line), or name another")
            } else if !origin.policy.sets.contains(set.policy.name) {
                mistakes.add(
                    set.originPlace, "\(label): \(quoted(name)) does not list the set \(quoted(set.policy.name))",
                    "add it to the sets of \(quoted(name)) on line \(origin.place.line)")
            }
        }
    }

    /// A host with role origin is the origin of a set, and carries no set of another origin.
    private func checkOriginRoles() {
        for mirror in mirrors where mirror.policy.role == .origin {
            let own = Set(sets.map(\.policy).filter { $0.origin == mirror.policy.name }.map(\.name))
            if own.isEmpty {
                mistakes.add(
                    mirror.rolePlace, "\(mirror.label).role: no set names \(quoted(mirror.policy.name)) as its origin",
                    "write \"role: mirror\", or make it the origin of a set")
                continue
            }
            let known = Set(sets.map(\.policy.name))
            for item in mirror.ownSets ?? [] where known.contains(item.text) && !own.contains(item.text) {
                mistakes.add(
                    item.place, "\(mirror.label).sets: an origin cannot mirror \(quoted(item.text)) of another origin",
                    "remove it, or use two hosts")
            }
        }
    }

    /// Enough mirrors carry every set.
    private func checkReplicas() {
        for set in sets {
            let name = set.policy.name
            let carriers = mirrors.filter { $0.policy.role == .mirror && $0.policy.sets.contains(name) }.count
            if carriers == 0 {
                mistakes.add(
                    set.place, "\(set.label).name: no mirror carries \(quoted(name))",
                    "add it to the sets of a mirror or to defaults.sets")
            } else if set.policy.replicas > carriers {
                let count = carriers == 1 ? "only 1 mirror carries" : "only \(carriers) mirrors carry"
                mistakes.add(
                    set.replicasPlace,
                    "\(set.label).replicas: \(set.policy.replicas) asked, but \(count) \(quoted(name))",
                    "ask for \(carriers) at most, or let another mirror carry it")
            }
        }
    }

    /// One host signs snapshots and timestamps, and it is known which.
    private func checkKeeper() {
        guard let trust else { return }
        guard let keeper = trust.keeper else {
            let origins = Set(sets.map(\.policy.origin)).sorted()
            guard origins.count > 1 else { return }
            mistakes.add(
                trust.place, "trust.keeper is missing, and there are the origins \(origins.joined(separator: ", "))",
                "name the host whose agent signs snapshots and timestamps for all of them")
            return
        }
        guard !mirrors.contains(where: { $0.policy.name == keeper.text }) else { return }
        mistakes.add(
            keeper.place, "trust.keeper: no mirror \(quoted(keeper.text))",
            meant(keeper.text, mirrors.map(\.policy.name), "mirrors"))
    }

    private func quoted(_ text: String) -> String { Spelling.quoted(text) }

    private func meant(_ word: String, _ candidates: [String], _ list: String) -> String {
        if let near = Spelling.nearest(to: word, among: candidates) { return "did you mean \(quoted(near))?" }
        return "add it to \(list), or name one that is there"
    }
}
