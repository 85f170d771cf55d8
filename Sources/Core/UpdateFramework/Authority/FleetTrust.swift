/// Who may sign what in a fleet: its newest root and targets, verified from a root that is trusted. Age is not looked at:
/// what has expired can still be signed again.
package struct FleetTrust: Sendable {
    /// The name of the fleet.
    package let fleet: [UInt8]
    /// The newest root.
    package let root: RootMetadata
    /// As it was read.
    package let rootDocument: SignedMetadata
    /// The newest targets.
    package let targets: TargetsMetadata
    /// As it was read.
    package let targetsDocument: SignedMetadata

    /// The newest of `roots`, which follow each other, the first of them trusted, and `targets`. Throws ``UpdateError``
    /// if a root does not follow from the one before, or targets not from the last.
    package init(fleet: [UInt8], roots: [[UInt8]], targets bytes: [UInt8]) throws(UpdateError) {
        let verifier = Self.verifier(fleet)
        guard let first = roots.first, let last = roots.last else { throw .missing(.root, version: nil) }
        var root = try verifier.initialRoot(first)
        for bytes in roots.dropFirst() { root = try verifier.root(bytes, after: root) }
        self.fleet = fleet
        self.root = root
        rootDocument = try verifier.document(last, of: .root)
        targets = try verifier.contents(bytes, of: .targets, signedBy: root.delegation(of: .targets))
        targetsDocument = try verifier.document(bytes, of: .targets)
    }

    /// What a fleet's documents are called by.
    package var profile: MetadataProfile { .fleet(fleet) }

    static func verifier(_ fleet: [UInt8]) -> MetadataVerifier {
        MetadataVerifier(
            profile: .fleet(fleet), schemes: .own, now: MetadataTime(secondsSince1970: .min))
    }

    /// The fleet that a document says it is of; nothing is verified. Nil if it says none.
    package static func fleetName(in document: [UInt8]) -> [UInt8]? {
        guard let document = try? SignedMetadata(document, byteCount: MetadataLimits.targetsByteCount),
            case .object(let names)? = document.signed[MetadataProfile.member],
            case .string(let fleet)? = names["fleet"]
        else { return nil }
        return fleet
    }
}
