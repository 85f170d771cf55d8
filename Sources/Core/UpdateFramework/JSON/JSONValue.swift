/// A JSON value as it was read: what nobody asks for is kept, since signatures are over all of it.
///
/// Strings are bytes of valid UTF-8, compared bytewise: text that Swift holds to be equal is not equal here.
package enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number in ``JSONLimits/integers``.
    case integer(Int64)
    /// The bytes that the text stands for, without quotes and escapes.
    case string([UInt8])
    /// Values in their order.
    case array([JSONValue])
    /// Values by name.
    case object(JSONObject)

    /// A string of this text's UTF-8.
    package static func text(_ text: String) -> JSONValue { .string(Array(text.utf8)) }

    /// What it is, for errors.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// The members of a JSON object: each name once, ascending by bytes, which is the order of canonical JSON.
package struct JSONObject: Hashable, Sendable {
    /// A name and what it stands for.
    package struct Member: Hashable, Sendable {
        /// Bytes of valid UTF-8.
        package let name: [UInt8]
        /// What stands there.
        package var value: JSONValue
    }

    /// Ascending by name, no name twice.
    package private(set) var members: [Member]

    /// An object without members.
    package init() {
        members = []
    }

    /// The members ascending by name, no name twice; the caller has seen to that.
    init(sorted members: [Member]) {
        self.members = members
    }

    /// The value of `name`; setting nil takes the member away.
    package subscript(_ name: [UInt8]) -> JSONValue? {
        get {
            let place = place(of: name)
            return place < members.count && members[place].name == name ? members[place].value : nil
        }
        set {
            let place = place(of: name)
            let isThere = place < members.count && members[place].name == name
            switch (newValue, isThere) {
            case (let value?, true): members[place].value = value
            case (let value?, false): members.insert(Member(name: name, value: value), at: place)
            case (nil, true): members.remove(at: place)
            case (nil, false): break
            }
        }
    }

    /// The value of a name of ours.
    package subscript(_ name: String) -> JSONValue? {
        get { self[Array(name.utf8)] }
        set { self[Array(name.utf8)] = newValue }
    }

    /// The first place whose name is not below `name`.
    private func place(of name: [UInt8]) -> Int {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].name.lexicographicallyPrecedes(name) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
