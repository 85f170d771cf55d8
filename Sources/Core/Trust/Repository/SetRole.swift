package import UpdateFramework

/// The next document of a set's role, before it is signed.
package struct SetRole: Sendable {
    /// Releases that a role names at most; the oldest go first. More than a mirror keeps, and few enough that the
    /// document stays small.
    package static let releaseLimit = 32

    /// The set.
    package let set: String
    /// What is to be signed.
    package private(set) var contents: TargetsMetadata

    /// The version after `held`, what the role of `set` says now; nil if it never said anything.
    package init(
        of set: String, after held: TargetsMetadata?, now: MetadataTime,
        lifetimes: MetadataLifetimes = MetadataLifetimes()
    ) {
        self.set = set
        contents = TargetsMetadata(
            version: (held?.version ?? 0) + 1, expires: now.adding(lifetimes.set), targets: held?.targets ?? [:])
    }

    /// Names a release; `document` is its document.
    package mutating func add(release sequence: UInt64, document: [UInt8]) {
        var targets = contents.targets
        targets[FleetRoles.release(sequence, ofSet: set)] = TargetDescription(of: document)
        let sequences = targets.keys.compactMap { FleetRoles.sequence(of: $0, ofSet: set) }.sorted()
        for old in sequences.dropLast(Self.releaseLimit) { targets[FleetRoles.release(old, ofSet: set)] = nil }
        replace(targets)
    }

    /// Names the list of yanked paths.
    package mutating func set(yanked list: [UInt8]) {
        var targets = contents.targets
        targets[FleetRoles.yanked(ofSet: set)] = TargetDescription(of: list)
        replace(targets)
    }

    private mutating func replace(_ targets: [TargetPath: TargetDescription]) {
        contents = TargetsMetadata(version: contents.version, expires: contents.expires, targets: targets)
    }

    /// The member `signed` of the document: what keys of the role sign.
    package func signed(fleet: String) -> JSONObject {
        MetadataWriter(profile: .fleet(Array(fleet.utf8))).signed(contents, role: FleetRoles.role(ofSet: set))
    }
}
