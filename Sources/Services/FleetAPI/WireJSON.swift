import FoundationEssentials

/// The one way in which JSON is written and read between the programs: sorted keys, so equal values are equal bytes.
package enum WireJSON {
    /// Encodes `value`; throws what its `encode(to:)` throws.
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    /// Decodes a `Value`; throws `MalformedJSON`, which names the place and never shows Foundation's own words.
    package static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(MalformedJSON) -> Value
    {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw MalformedJSON(error)
        } catch {
            throw MalformedJSON(place: "", what: "not JSON")
        }
    }
}

/// JSON that is not what was expected: where, and what is wrong there.
package struct MalformedJSON: Error, Equatable, Sendable, CustomStringConvertible {
    /// Keys and indexes joined by dots; empty for the whole text.
    package var place: String
    /// What is wrong.
    package var what: String

    /// The place, then what is wrong there.
    package var description: String {
        place.isEmpty ? what : "\(place): \(what)"
    }

    init(place: String, what: String) {
        self.place = place
        self.what = what
    }

    init(_ error: DecodingError) {
        func path(_ keys: [any CodingKey]) -> String {
            keys.map { key in key.intValue.map(String.init) ?? key.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            self.init(place: path(context.codingPath + [key]), what: "is missing")
        case .typeMismatch(let type, let context):
            self.init(place: path(context.codingPath), what: "is not a \(type)")
        case .valueNotFound(let type, let context):
            self.init(place: path(context.codingPath), what: "is null, not a \(type)")
        case .dataCorrupted(let context):
            self.init(place: path(context.codingPath), what: "is not valid")
        @unknown default:
            self.init(place: "", what: "is not valid")
        }
    }
}
