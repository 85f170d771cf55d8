package import Content
package import UpdateFramework

/// Paths of a set that are to be yanked, or served again, and wait for signatures of its keys: the next document of the
/// role, with the whole list of yanked paths that it names and the one that it names now. Whoever signs it signs what is
/// shown and nothing else.
package struct YankRequest: RoleRequest {
    /// The next document of the role.
    package private(set) var change: RoleChange
    /// The list to come.
    package let list: YankList
    /// Paths that are yanked then and are not now, or with another reason or time, ascending.
    package let added: [YankList.Entry]
    /// Paths that are served again then, ascending. One of both is empty.
    package let removed: [YankList.Entry]

    package var set: String { list.set }
    package var kind: RoleRequestKind { removed.isEmpty ? .yank : .unyank }

    /// Whether `change` is of a list of yanked paths, right or wrong.
    package static func isMeant(by change: RoleChange) -> Bool {
        FleetRoles.set(of: change.role).map { FleetRoles.yanked(ofSet: $0) == change.target.path } ?? false
    }

    /// The request that `change` is. Throws ``YankRequestError`` if its target is no list of yanked paths of the role's
    /// set, the role forgets another target, or paths are both yanked and served again, or neither.
    package init(_ change: RoleChange) throws(YankRequestError) {
        list = try Self.list(change.target.bytes, of: change)
        let before = try change.replaced.map { bytes throws(YankRequestError) in try Self.list(bytes, of: change) }
        (added, removed) = list.changes(from: before?.entries ?? [])
        self.change = change
        guard Self.isMeant(by: change) else { throw .notOfItsPath(change.target.path, set: list.set) }
        if let path = change.dropped.first { throw .drops(path) }
        guard added.isEmpty != removed.isEmpty else { throw .notOneThing(yanked: added.count, unyanked: removed.count) }
    }

    package mutating func add(_ signatures: [MetadataSignature], toDocument place: Int) -> Int {
        change.add(signatures, toDocument: place)
    }

    package var words: [String] {
        var lines = ["\(kind) of \(set), fleet \(fleet)"]
        for entry in added + removed {
            lines.append("  \(kind == .yank ? "is served no more" : "is served again"): \(entry.path)")
            lines.append("    reason   \(TerminalText.escape(entry.reason))")
            lines.append("    yanked   \(MetadataTime(secondsSince1970: entry.yankedAt))")
        }
        lines.append("  yanked then: \(list.entries.count) paths in all")
        return lines + change.words
    }

    private static func list(_ bytes: [UInt8], of change: RoleChange) throws(YankRequestError) -> YankList {
        let list: YankList
        do throws(CodecError) {
            list = try YankList(decoding: bytes)
        } catch {
            throw .badList(error)
        }
        guard Array(list.fleet.utf8) == change.base.fleet, FleetRoles.role(ofSet: list.set) == change.role else {
            throw .notOfItsPath(change.target.path, set: list.set)
        }
        return list
    }
}

/// Why a file asks for no signature of yanked paths.
package enum YankRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The target, or what it replaces, is no list of yanked paths.
    case badList(CodecError)
    /// The list is of another fleet or set than its path says, or under another path.
    case notOfItsPath(TargetPath, set: String)
    /// The role would forget a target.
    case drops(TargetPath)
    /// It yanks paths and serves others again, or does nothing.
    case notOneThing(yanked: Int, unyanked: Int)

    package var description: String {
        switch self {
        case .badList(let error): "the list of yanked paths in it cannot be read: \(error)"
        case .notOfItsPath(let path, let set):
            "it names the yanked paths of \(PrintableText(Array(set.utf8))) as \(path)"
        case .drops(let path): "the role would forget \(path), which it has to name on"
        case .notOneThing(0, 0): "it changes nothing"
        case .notOneThing(let yanked, let unyanked):
            "it yanks \(yanked) paths and serves \(unyanked) again: ask for one after the other"
        }
    }
}
