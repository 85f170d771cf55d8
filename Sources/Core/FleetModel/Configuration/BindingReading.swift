import UpdateFramework

/// Reads what fleet.yaml says of a set that has to be signed.
enum BindingReading {
    /// The keys of a set that do.
    static let keys = ["flip_quorum", "max_delete", "max_shrink", "fetch"]

    /// Of the set that `reader` is at, with the places that rules over the whole fleet point at.
    static func read(_ reader: MappingReader) -> (binding: SetBinding, places: ReadBinding) {
        var places = ReadBinding(quorum: reader.place(of: "flip_quorum"))
        var fetch: FetchPolicy?
        if let section = reader.mapping("fetch", keys: ["mirrors", "regions", "readers"]) {
            places.mirrors = section.names("mirrors") ?? []
            places.regions = section.names("regions") ?? []
            fetch = FetchPolicy(
                mirrors: places.mirrors.map(\.text).sorted(), regions: places.regions.map(\.text).sorted(),
                readers: (section.names("readers") ?? []).map(\.text).sorted())
        }
        let binding = SetBinding(
            flipQuorum: reader.integer("flip_quorum", in: SignedPolicy.quorumRange),
            maxDelete: reader.percent("max_delete", from: 0), maxShrink: reader.percent("max_shrink", from: 0),
            fetch: fetch)
        return (binding, places)
    }
}

/// Where a set says what has to be signed.
struct ReadBinding {
    var quorum: TextPlace
    var mirrors: [PlacedText] = []
    var regions: [PlacedText] = []
}

extension FleetRules {
    /// Whoever may fetch a set exists, whoever carries it may fetch it, and so many carry it as have to hold a release.
    func checkBindings() {
        for set in sets {
            let carriers = mirrors.map(\.policy).filter { $0.role == .mirror && $0.sets.contains(set.policy.name) }
            checkFetch(set, carriers)
            guard let quorum = set.policy.binding.flipQuorum, quorum > carriers.count else { continue }
            let count = carriers.count == 1 ? "only 1 mirror carries" : "only \(carriers.count) mirrors carry"
            mistakes.add(
                set.binding.quorum,
                "\(set.label).flip_quorum: \(quorum) asked, but \(count) \(Spelling.quoted(set.policy.name)): no"
                    + " release would ever be served",
                "ask for \(carriers.count) at most, or let another mirror carry it")
        }
    }

    private func checkFetch(_ set: ReadSet, _ carriers: [MirrorPolicy]) {
        guard let fetch = set.policy.binding.fetch else { return }
        let label = "\(set.label).fetch"
        let names = mirrors.map(\.policy.name)
        for item in set.binding.mirrors where !names.contains(item.text) {
            mistakes.add(
                item.place, "\(label).mirrors: no mirror \(Spelling.quoted(item.text))",
                meant(item.text, names, "mirrors"))
        }
        let regions = Set(mirrors.map(\.policy.region)).sorted()
        for item in set.binding.regions where !regions.contains(item.text) {
            mistakes.add(
                item.place, "\(label).regions: no mirror is in region \(Spelling.quoted(item.text))",
                "name one of \(regions.joined(separator: ", "))")
        }
        guard mistakes.isEmpty else { return }
        let left = carriers.filter { !fetch.mirrors.contains($0.name) && !fetch.regions.contains($0.region) }
        guard let first = left.first else { return }
        mistakes.add(
            set.place,
            "\(label): \(Spelling.quoted(first.name)) carries \(Spelling.quoted(set.policy.name)) and may"
                + " not fetch it",
            "name it, or its region \(Spelling.quoted(first.region)), or take the set away from it")
    }
}
