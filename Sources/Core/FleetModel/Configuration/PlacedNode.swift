/// A place in a text.
package struct TextPlace: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The line, from 1.
    package var line: Int
    /// The column in characters, from 1.
    package var column: Int

    /// Makes the place from line and column, both from 1.
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `line:column`.
    package var description: String { "\(line):\(column)" }

    /// In the order of reading.
    package static func < (left: TextPlace, right: TextPlace) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A node of a configuration file that knows where it stands. Scalars stay text until somebody reads a meaning into them.
package struct PlacedNode: Sendable, Hashable {
    /// What a node is.
    package enum Content: Sendable, Hashable {
        /// A text; plain when it stands there without quotes.
        case scalar(String, isPlain: Bool)
        /// A list.
        case sequence([PlacedNode])
        /// Keys with values, in the order of the file; no key twice.
        case mapping([Pair])
    }

    /// A key with its value.
    package struct Pair: Sendable, Hashable {
        /// The key.
        package var key: String
        /// Where the key stands.
        package var keyPlace: TextPlace
        /// The value.
        package var value: PlacedNode

        /// Makes the pair from its parts.
        package init(key: String, keyPlace: TextPlace, value: PlacedNode) {
            self.key = key
            self.keyPlace = keyPlace
            self.value = value
        }
    }

    /// Where the node begins.
    package var place: TextPlace
    /// What it is.
    package var content: Content

    /// Makes the node from its parts.
    package init(place: TextPlace, content: Content) {
        self.place = place
        self.content = content
    }

    /// Whether nothing, `~` or `null` stands there.
    package var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return text.isEmpty || text == "~" || text == "null"
    }

    /// What the node is, for messages.
    package var kind: String {
        if isNull { return "nothing" }
        return switch content {
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
