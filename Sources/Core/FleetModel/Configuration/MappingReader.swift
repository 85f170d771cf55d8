/// Reads the keys of one mapping, each into its type; what is wrong goes to the list, with its place.
struct MappingReader {
    /// How the mapping is called in messages, e.g. `sets[1]`; empty for the file itself.
    let path: String
    /// Where the mapping begins.
    let place: TextPlace
    let mistakes: MistakeList
    private let pairs: [String: PlacedNode.Pair]
    /// Keys that an unknown key was taken for: that they are missing needs no second word.
    private let suggested: Set<String>

    /// Checks that `node` is a mapping with no other keys than `keys`.
    /// - Parameter later: keys that are known and not built yet.
    init?(_ node: PlacedNode, path: String, keys: [String], later: [String] = [], mistakes: MistakeList) {
        self.path = path
        self.place = node.place
        self.mistakes = mistakes
        guard case .mapping(let list) = node.content else {
            let label = path.isEmpty ? "the file" : path
            mistakes.add(node.place, "\(label) is \(node.kind)", "write a mapping with the keys \(Self.some(keys))")
            return nil
        }
        var pairs: [String: PlacedNode.Pair] = [:]
        var suggested: Set<String> = []
        for pair in list {
            if keys.contains(pair.key) {
                pairs[pair.key] = pair
                continue
            }
            if later.contains(pair.key) {
                let label = path.isEmpty ? pair.key : "\(path).\(pair.key)"
                mistakes.add(pair.keyPlace, "\(label) is not supported yet", "remove it")
                Self.reportAmbiguousUnits(pair.value, label, mistakes)
                continue
            }
            let here = path.isEmpty ? "" : "\(path): "
            let what = "\(here)unknown key \(Spelling.quoted(pair.key))"
            if let near = Spelling.nearest(to: pair.key, among: keys) {
                suggested.insert(near)
                mistakes.add(pair.keyPlace, what, "did you mean \(Spelling.quoted(near))?")
            } else {
                mistakes.add(pair.keyPlace, what, "use one of \(Self.some(keys))")
            }
        }
        self.pairs = pairs
        self.suggested = suggested
    }

    private static func some(_ keys: [String]) -> String { keys.joined(separator: ", ") }

    /// A wrong unit is worth a word even below a key that is refused as a whole.
    private static func reportAmbiguousUnits(_ node: PlacedNode, _ label: String, _ mistakes: MistakeList) {
        switch node.content {
        case .scalar(let text, _):
            if Quantity.isAmbiguous(text) {
                mistakes.add(
                    node.place, "\(label): \(Spelling.quoted(text)) does not say of what",
                    "say \(Quantity.unambiguous(text))")
            }
        case .sequence(let items):
            for (index, item) in items.enumerated() { reportAmbiguousUnits(item, "\(label)[\(index)]", mistakes) }
        case .mapping(let pairs):
            for pair in pairs { reportAmbiguousUnits(pair.value, "\(label).\(pair.key)", mistakes) }
        }
    }

    /// How the key is called in messages.
    func label(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func has(_ key: String) -> Bool { pairs[key] != nil }

    /// Where the value of `key` stands; where the mapping begins when it is not there.
    func place(of key: String) -> TextPlace { pairs[key]?.value.place ?? place }

    /// The node of `key`, if it is there and not empty.
    func node(_ key: String) -> PlacedNode? {
        guard let pair = pairs[key] else { return nil }
        if pair.value.isNull {
            mistakes.add(pair.keyPlace, "\(label(key)) has no value", "give one or remove the key")
            return nil
        }
        return pair.value
    }

    /// Says that `key` must be there when it is not.
    func requireKey(_ key: String, _ remedy: String) {
        if pairs[key] == nil, !suggested.contains(key) { mistakes.add(place, "\(label(key)) is missing", remedy) }
    }

    func fail(_ key: String, _ what: String, _ remedy: String) {
        mistakes.add(place(of: key), "\(label(key)): \(what)", remedy)
    }

    /// The text of `key`, if it is there and is one.
    func text(_ key: String) -> PlacedText? {
        guard let node = node(key) else { return nil }
        return Self.text(node, label(key), mistakes)
    }

    /// Longest single value; paths end at 4,095 bytes, nothing else is longer.
    private static let textByteLimit = 4_096

    static func text(_ node: PlacedNode, _ label: String, _ mistakes: MistakeList) -> PlacedText? {
        guard case .scalar(let text, _) = node.content else {
            mistakes.add(node.place, "\(label) is \(node.kind)", "write a single value")
            return nil
        }
        guard !text.isEmpty, text.utf8.count <= textByteLimit else {
            let what = text.isEmpty ? "is empty" : "is longer than \(textByteLimit) bytes"
            mistakes.add(node.place, "\(label) \(what)", text.isEmpty ? "give a value" : "shorten it")
            return nil
        }
        return PlacedText(text: text, place: node.place)
    }

    /// The items of the list `key` with their labels, if it is there and is one.
    func list(_ key: String) -> [(label: String, node: PlacedNode)]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let items) = node.content else {
            mistakes.add(node.place, "\(label(key)) is \(node.kind)", "write a list, e.g. \"[a, b]\"")
            return nil
        }
        return items.enumerated().map { (label: "\(label(key))[\($0.offset)]", node: $0.element) }
    }

    /// The number of items of the list `key`; 0 when it is none.
    func count(of key: String) -> Int {
        guard case .sequence(let items) = pairs[key]?.value.content else { return 0 }
        return items.count
    }

    /// The texts of the list `key`.
    func texts(_ key: String) -> [PlacedText]? {
        list(key)?.compactMap { item in
            if item.node.isNull {
                mistakes.add(item.node.place, "\(item.label) has no value", "give one or remove the item")
                return nil
            }
            return Self.text(item.node, item.label, mistakes)
        }
    }

    /// The keys of the mapping `key` with their values, in the order of the file: keys that are names of something.
    func pairs(of key: String) -> [PlacedNode.Pair] {
        guard let node = node(key) else { return [] }
        guard case .mapping(let pairs) = node.content else {
            mistakes.add(node.place, "\(label(key)) is \(node.kind)", "write a mapping, e.g. \"{NAME: ...}\"")
            return []
        }
        return pairs
    }

    /// The mapping `key`.
    func mapping(_ key: String, keys: [String], later: [String] = []) -> MappingReader? {
        guard let node = node(key) else { return nil }
        return MappingReader(node, path: label(key), keys: keys, later: later, mistakes: mistakes)
    }
}

/// A text and where it stands.
struct PlacedText {
    var text: String
    var place: TextPlace
}
