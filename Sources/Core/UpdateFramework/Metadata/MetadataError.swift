/// Where in a document something stands, for errors: member names and indices from the top.
package struct MetadataPlace: Hashable, Sendable, CustomStringConvertible {
    /// As in `signed.keys.0123...`.
    package let description: String

    /// The place of a member of ours.
    init(_ description: String) {
        self.description = description
    }

    func member(_ name: String) -> MetadataPlace { MetadataPlace("\(description).\(name)") }
    func member(_ name: [UInt8]) -> MetadataPlace { member("\(PrintableText(name))") }
}

/// Why bytes are not the metadata that they should be: which rule is broken, and where.
package struct MetadataError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules.
    package enum Rule: Hashable, Sendable {
        /// It is no JSON, or not the strict kind.
        case json(JSONError)
        /// A member is missing.
        case missing(String)
        /// A value is of another kind.
        case wrongKind(found: String, expected: String)
        /// Metadata of another type: of another role.
        case wrongType(found: [UInt8], expected: String)
        /// Of a specification that is not 1.x.
        case unknownSpecification([UInt8])
        /// No time of the form `2030-01-31T23:59:59Z`.
        case badTime([UInt8])
        /// A number outside of what is allowed.
        case outOfRange(Int64, allowed: String)
        /// More items than the limit.
        case tooMany(count: Int, limit: Int)
        /// A text that is empty, too long or not of the form that is allowed.
        case badName([UInt8], allowed: String)
        /// A key of a known type that is none: a wrong length, or no such point.
        case badKey(type: [UInt8])
        /// A key that stands under another id than its own.
        case wrongKeyID(KeyID, expected: KeyID)
        /// One key id twice where each may be once.
        case repeatedKeyID(KeyID)
        /// Two keys that are one, or share a half.
        case sharedKey(KeyID, KeyID)
        /// A role names a key that is not there.
        case unknownKey(KeyID)
        /// A threshold above the number of keys: nobody could ever sign.
        case thresholdAboveKeys(threshold: Int, keyCount: Int)
        /// One role twice among the delegations.
        case repeatedRole([UInt8])
        /// A hash that is not of its algorithm's length, or no hash of a known algorithm.
        case badHash
        /// Members that exclude each other, or neither of them.
        case notExactlyOne(String)
    }

    /// The rule.
    package let rule: Rule
    /// Where.
    package let place: MetadataPlace

    init(_ rule: Rule, at place: MetadataPlace) {
        self.rule = rule
        self.place = place
    }

    package var description: String {
        if case .json(let error) = rule { return "\(error)" }
        return "\(place): \(text)"
    }

    private var text: String {
        switch rule {
        case .json(let error): "\(error)"
        case .missing(let name): "\(name) is missing"
        case .wrongKind(let found, let expected): "\(found) where \(expected) should be"
        case .wrongType(let found, let expected): "metadata of type \(PrintableText(found)), expected \(expected)"
        case .unknownSpecification(let version):
            "written for version \(PrintableText(version)) of TUF, this program reads 1.x: update it"
        case .badTime(let text): "\(PrintableText(text)) is no time like 2030-01-31T23:59:59Z"
        case .outOfRange(let number, let allowed): "\(number), allowed is \(allowed)"
        case .tooMany(let count, let limit): "\(count) items, the limit is \(limit)"
        case .badName(let name, let allowed): "\(PrintableText(name)) is not \(allowed)"
        case .badKey(let type): "this is no key of type \(PrintableText(type))"
        case .wrongKeyID(let id, let expected): "key \(id) should have the id \(expected)"
        case .repeatedKeyID(let id): "key \(id) stands there twice"
        case .sharedKey(let one, let other): "keys \(one) and \(other) have a key in common: make a new one"
        case .unknownKey(let id): "key \(id) is named and not given"
        case .thresholdAboveKeys(let threshold, let count): "a threshold of \(threshold) with \(count) keys"
        case .repeatedRole(let name): "role \(PrintableText(name)) is delegated to twice"
        case .badHash: "no hash of a known algorithm, or one of a wrong length"
        case .notExactlyOne(let names): "exactly one of \(names) has to be there"
        }
    }
}
