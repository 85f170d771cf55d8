/// Which rule each signature satisfies, from the first root down to a release: for people who want to know why something
/// is believed.
package struct TrustExplanation: Sendable {
    /// One document and the rules for it.
    package struct Step: Sendable {
        /// Whose document.
        package let role: RoleName
        /// Its version.
        package let version: Int64
        /// From then on it says nothing any more.
        package let expires: MetadataTime
        /// How far each of its rules is met.
        package let states: [RuleState]
    }

    /// What is said of a release, or of another target of the set.
    package struct Target: Sendable {
        /// The path.
        package let path: TargetPath
        /// What the set's role says of it; nil if it names no such target.
        package let description: TargetDescription?
    }

    /// From the first root down.
    package private(set) var steps: [Step] = []
    /// The target that was asked for.
    package private(set) var target: Target?

    /// Roots and targets: `roots` follow each other. Throws ``UpdateError``.
    package init(fleet: [UInt8], roots: [[UInt8]], targets: [UInt8]) throws(UpdateError) {
        var held: RootMetadata?
        for bytes in roots {
            let before = held.map { [$0.rule(for: .root)] } ?? []
            held = try add(.root, bytes, fleet) { (root: RootMetadata) in before + [root.rule(for: .root)] }
        }
        guard let root = held else { throw .missing(.root, version: nil) }
        let _: TargetsMetadata = try add(.targets, targets, fleet) { _ in [root.rule(for: .targets)] }
    }

    /// Adds the document of a set's role, by what `trust` delegates to it, and what it says of `path`. Throws
    /// ``UpdateError``.
    package mutating func addSet(
        _ role: RoleName, _ bytes: [UInt8], of trust: FleetTrust, target path: TargetPath?
    ) throws(UpdateError) {
        let contents: TargetsMetadata = try add(role, bytes, trust.fleet) { _ in
            [trust.targets.rule(for: role)].compactMap { $0 }
        }
        target = path.map { Target(path: $0, description: contents.targets[$0]) }
    }

    /// Adds the snapshot and the timestamp. Throws ``UpdateError``.
    package mutating func addOnline(
        snapshot: [UInt8], timestamp: [UInt8], of trust: FleetTrust
    ) throws(UpdateError) {
        let _: SnapshotMetadata = try add(.snapshot, snapshot, trust.fleet) { _ in [trust.root.rule(for: .snapshot)] }
        let _: TimestampMetadata = try add(.timestamp, timestamp, trust.fleet) { _ in
            [trust.root.rule(for: .timestamp)]
        }
    }

    /// Reads a document and adds it with its rules; what it says.
    private mutating func add<Contents: MetadataContents>(
        _ role: RoleName, _ bytes: [UInt8], _ fleet: [UInt8], rules: (Contents) -> [SignatureRule]
    ) throws(UpdateError) -> Contents {
        let verifier = FleetTrust.verifier(fleet)
        let document = try verifier.document(bytes, of: role)
        let contents: Contents = try verifier.interpret(document, of: role)
        steps.append(
            Step(
                role: role, version: contents.version, expires: contents.expires,
                states: rules(contents).map { $0.state(of: document) }))
        return contents
    }
}
