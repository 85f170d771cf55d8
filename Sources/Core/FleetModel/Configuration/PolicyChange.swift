/// One thing that differs between two texts of fleet.yaml.
package struct PolicyChange: Codable, Sendable, Hashable {
    /// What happened to it.
    package enum Kind: String, Codable, Sendable, Hashable {
        case added, changed, removed
    }

    /// Keys from the top, hosts and sets by their names: `mirrors.fra1.region`.
    package var path: String
    /// What happened.
    package var kind: Kind
    /// Line and column, from 1: in the new text; of what was removed, in the old one.
    package var line: Int
    package var column: Int
    /// What stood there, in one line; nil of what was added.
    package var before: String?
    /// What stands there, in one line; nil of what was removed.
    package var after: String?

    /// Makes the change from its parts.
    package init(path: String, kind: Kind, place: TextPlace, before: String?, after: String?) {
        self.path = path
        self.kind = kind
        line = place.line
        column = place.column
        self.before = before
        self.after = after
    }

    /// Whether it is about `path` or something below it.
    package func isWithin(_ path: String) -> Bool { self.path == path || self.path.hasPrefix(path + ".") }
}

/// Compares two texts of fleet.yaml by what they say: comments, order of keys, quotes and layout make no difference.
package enum PolicyDifference {
    /// All differences, in the order of the new text; what was removed comes last, in the order of the old one.
    package static func between(_ old: PlacedNode, _ new: PlacedNode) -> [PolicyChange] {
        var changes: [PolicyChange] = []
        compare(old, new, "", &changes)
        func rank(_ change: PolicyChange) -> (Int, Int, Int, String) {
            (change.kind == .removed ? 1 : 0, change.line, change.column, change.path)
        }
        return changes.sorted { rank($0) < rank($1) }
    }

    private static func compare(_ old: PlacedNode, _ new: PlacedNode, _ path: String, _ changes: inout [PolicyChange]) {
        if let before = parts(of: old), let after = parts(of: new) {
            compareParts(before, after, path, &changes)
        } else if text(old) != text(new) {
            changes.append(
                PolicyChange(path: path, kind: .changed, place: new.place, before: text(old), after: text(new)))
        }
    }

    private static func compareParts(
        _ old: [PlacedNode.Pair], _ new: [PlacedNode.Pair], _ path: String, _ changes: inout [PolicyChange]
    ) {
        let known = Dictionary(old.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for pair in new {
            let below = path.isEmpty ? pair.key : "\(path).\(pair.key)"
            if let before = known[pair.key] {
                compare(before.value, pair.value, below, &changes)
            } else {
                changes.append(
                    PolicyChange(
                        path: below, kind: .added, place: pair.keyPlace, before: nil, after: text(pair.value)))
            }
        }
        let kept = Set(new.map(\.key))
        for pair in old where !kept.contains(pair.key) {
            changes.append(
                PolicyChange(
                    path: path.isEmpty ? pair.key : "\(path).\(pair.key)", kind: .removed, place: pair.keyPlace,
                    before: text(pair.value), after: nil))
        }
    }

    /// What a node is made of, by key: a mapping's values, or the items of a list that have names. Nil: it is a value.
    private static func parts(of node: PlacedNode) -> [PlacedNode.Pair]? {
        switch node.content {
        case .scalar: return nil
        case .mapping(let pairs): return pairs
        case .sequence(let items):
            let named = items.compactMap { item -> PlacedNode.Pair? in
                guard case .mapping(let pairs) = item.content,
                    case .scalar(let name, _)? = pairs.first(where: { $0.key == "name" })?.value.content
                else { return nil }
                return PlacedNode.Pair(key: name, keyPlace: item.place, value: item)
            }
            return named.count == items.count && !items.isEmpty ? named : nil
        }
    }

    /// A node in one line, as YAML in flow style.
    private static func text(_ node: PlacedNode) -> String {
        switch node.content {
        case .scalar(let text, let isPlain): isPlain || isWord(text) ? text : Spelling.quoted(text)
        case .sequence(let items): "[" + items.map(text).joined(separator: ", ") + "]"
        case .mapping(let pairs):
            "{" + pairs.sorted { $0.key < $1.key }.map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
        }
    }

    /// A text that says the same with and without quotes.
    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_./:[]%".utf8.contains(byte)
            }
    }
}
