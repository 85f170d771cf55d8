/// Reads the members of one object, knowing its place.
struct MetadataReader {
    let object: JSONObject
    let place: MetadataPlace

    init(_ value: JSONValue, place: MetadataPlace) throws(MetadataError) {
        guard case .object(let object) = value else {
            throw MetadataError(.wrongKind(found: value.kind, expected: "an object"), at: place)
        }
        self.object = object
        self.place = place
    }

    func value(_ name: String) throws(MetadataError) -> JSONValue {
        guard let value = object[name] else { throw MetadataError(.missing(name), at: place) }
        return value
    }

    func object(_ name: String) throws(MetadataError) -> MetadataReader {
        try MetadataReader(try value(name), place: place.member(name))
    }

    func objectIfPresent(_ name: String) throws(MetadataError) -> MetadataReader? {
        guard let value = object[name] else { return nil }
        return try MetadataReader(value, place: place.member(name))
    }

    func array(_ name: String, limit: Int) throws(MetadataError) -> [JSONValue] {
        let value = try value(name)
        guard case .array(let items) = value else {
            throw MetadataError(.wrongKind(found: value.kind, expected: "a list"), at: place.member(name))
        }
        guard items.count <= limit else {
            throw MetadataError(.tooMany(count: items.count, limit: limit), at: place.member(name))
        }
        return items
    }

    func string(_ name: String) throws(MetadataError) -> [UInt8] {
        try Self.string(try value(name), place: place.member(name))
    }

    func strings(_ name: String, limit: Int) throws(MetadataError) -> [[UInt8]] {
        var strings: [[UInt8]] = []
        for item in try array(name, limit: limit) {
            strings.append(try Self.string(item, place: place.member(name)))
        }
        return strings
    }

    func bool(_ name: String) throws(MetadataError) -> Bool {
        let value = try value(name)
        guard case .bool(let isTrue) = value else {
            throw MetadataError(.wrongKind(found: value.kind, expected: "a boolean"), at: place.member(name))
        }
        return isTrue
    }

    func integer(_ name: String, from lowest: Int64, to highest: Int64) throws(MetadataError) -> Int64 {
        let value = try value(name)
        guard case .integer(let number) = value else {
            throw MetadataError(.wrongKind(found: value.kind, expected: "a number"), at: place.member(name))
        }
        guard number >= lowest, number <= highest else {
            throw MetadataError(.outOfRange(number, allowed: "\(lowest) to \(highest)"), at: place.member(name))
        }
        return number
    }

    func time(_ name: String) throws(MetadataError) -> MetadataTime {
        let text = try string(name)
        guard let time = MetadataTime(text) else { throw MetadataError(.badTime(text), at: place.member(name)) }
        return time
    }

    func keyIDs(_ name: String) throws(MetadataError) -> [KeyID] {
        var ids: [KeyID] = []
        for text in try strings(name, limit: MetadataLimits.keysPerRole) {
            ids.append(try Self.keyID(text, place: place.member(name)))
        }
        if let repeated = Self.firstRepeated(ids) {
            throw MetadataError(.repeatedKeyID(repeated), at: place.member(name))
        }
        return ids
    }

    static func keyID(_ text: [UInt8], place: MetadataPlace) throws(MetadataError) -> KeyID {
        guard let id = KeyID(text) else {
            throw MetadataError(.badName(text, allowed: "a key id"), at: place)
        }
        return id
    }

    static func firstRepeated<Item: Hashable>(_ items: [Item]) -> Item? {
        var seen: Set<Item> = []
        return items.first { !seen.insert($0).inserted }
    }

    private static func string(_ value: JSONValue, place: MetadataPlace) throws(MetadataError) -> [UInt8] {
        guard case .string(let text) = value else {
            throw MetadataError(.wrongKind(found: value.kind, expected: "a string"), at: place)
        }
        return text
    }
}
