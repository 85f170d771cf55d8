package import Content
package import UpdateFramework

/// A release that waits for signatures of its set's keys: the next document of the role, with the release document that
/// it names. Whoever signs it signs that release and nothing else.
package struct ReleaseRequest: RoleRequest {
    /// The next document of the role.
    package private(set) var change: RoleChange
    /// The release.
    package let release: ReleaseDocument

    /// The bytes of the release document.
    package var bytes: [UInt8] { change.target.bytes }
    package var set: String { release.set }
    package var kind: RoleRequestKind { .release }

    /// The request that `change` is. Throws ``ReleaseRequestError`` if its target is no release of the role's set, or the
    /// role drops another release than the oldest.
    package init(_ change: RoleChange) throws(ReleaseRequestError) {
        do throws(ReleaseDocumentError) {
            release = try ReleaseDocument(decoding: change.target.bytes)
        } catch {
            throw .badDocument(error)
        }
        self.change = change
        guard change.replaced == nil else { throw .isNamed(release.sequence) }
        guard Array(release.fleet.utf8) == change.base.fleet, FleetRoles.role(ofSet: release.set) == change.role,
            FleetRoles.release(release.sequence, ofSet: release.set) == change.target.path
        else { throw .notOfItsPath(change.target.path, set: release.set, sequence: release.sequence) }
        let sequences = change.contents.targets.keys.compactMap { FleetRoles.sequence(of: $0, ofSet: release.set) }
        guard sequences.max() == release.sequence else { throw .notTheNewest(release.sequence) }
        for path in change.dropped {
            let sequence = FleetRoles.sequence(of: path, ofSet: release.set)
            guard let sequence, sequence < sequences.min() ?? 0 else { throw .drops(path) }
        }
    }

    package mutating func add(_ signatures: [MetadataSignature], toDocument place: Int) -> Int {
        change.add(signatures, toDocument: place)
    }

    /// As every request says it; what the origin says and nobody signs stands before those who sign.
    package var words: [String] {
        let root = release.manifest
        var lines = [
            "release \(release.sequence) of \(release.set), fleet \(release.fleet)",
            "  root       \(root.digest)",
            "  holds      \(root.files) files in \(root.entries) entries, \(root.bytes) bytes",
            "  made       \(MetadataTime(secondsSince1970: release.publishedAt))",
            "  document   \(ReleaseDocument.digest(of: bytes))",
        ]
        if let previous = release.previous { lines.append("  follows    \(previous)") }
        if release.removalConfirmedAt == release.sequence {
            lines.append("  MAY TAKE AWAY more of the set than hosts allow")
        }
        if release.allowsEscapingLinks { lines.append("  links may leave the set") }
        if !release.note.isEmpty { lines.append("  note       \(PrintableText(Array(release.note.utf8)))") }
        return lines + noteWords + change.words
    }

    private var noteWords: [String] {
        var lines: [String] = []
        if let source = change.notes.source {
            lines.append("  read from  \(PrintableText(Array(source.utf8))), says the origin")
        }
        if let removed = change.notes.removed {
            lines.append("  takes away \(removed.files) files, \(removed.bytes) bytes, says the origin")
        }
        return lines
    }
}

/// Why a file asks for no signature of a release.
package enum ReleaseRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The target is no release document.
    case badDocument(ReleaseDocumentError)
    /// The document is of another fleet, set or number than its path says.
    case notOfItsPath(TargetPath, set: String, sequence: UInt64)
    /// The role names a release of this number already: signed again it would have two contents.
    case isNamed(UInt64)
    /// The role names a higher release already.
    case notTheNewest(UInt64)
    /// The role would forget a target that is no release older than all that stay.
    case drops(TargetPath)

    package var description: String {
        switch self {
        case .badDocument(let error): "the release document in it cannot be read: \(error)"
        case .notOfItsPath(let path, let set, let sequence):
            "it names release \(sequence) of \(PrintableText(Array(set.utf8))) as \(path)"
        case .isNamed(let sequence): "the role names release \(sequence) already, and would name another one as it"
        case .notTheNewest(let sequence): "the role names a release above \(sequence) already"
        case .drops(let path): "the role would forget \(path), which it has to name on"
        }
    }
}
