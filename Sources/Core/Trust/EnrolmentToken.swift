package import Content

/// What a new host needs to join a fleet, in one word that can be typed or copied: which fleet, which name, where the
/// coordinator is, by which fingerprints its authority and the root of its releases are recognised, and a secret that
/// counts once.
///
/// docs/formats/standing.md states the form. It is a secret: it never stands in arguments, environment or logs.
package struct EnrolmentToken: Hashable, Sendable {
    /// What every token begins with: its kind and version.
    package static let prefix = "mfjoin1."
    /// The bytes of the secret: nobody guesses 256 bits.
    package static let secretByteCount = 32
    /// The bytes of a fingerprint, SHA-256.
    package static let fingerprintByteCount = 32
    /// The longest address of a coordinator, `HOST:PORT`.
    package static let maximumAddressByteCount = 300
    /// The most characters of a token.
    package static let maximumCharacterCount = 1_024

    /// The fleet.
    package let fleet: String
    /// The name that the host gets.
    package let name: String
    /// Where the coordinator is, `HOST:PORT`.
    package let coordinator: String
    /// SHA-256 of the authority's certificate in DER.
    package let authority: [UInt8]
    /// SHA-256 of the newest root of the fleet's releases.
    package let root: [UInt8]
    /// What counts once.
    package let secret: [UInt8]

    /// Makes the value from its parts; nothing is checked.
    package init(
        fleet: String, name: String, coordinator: String, authority: [UInt8], root: [UInt8], secret: [UInt8]
    ) {
        self.fleet = fleet
        self.name = name
        self.coordinator = coordinator
        self.authority = authority
        self.root = root
        self.secret = secret
    }

    /// The token as one word of ASCII.
    package var text: String {
        var writer = ByteWriter(capacity: 256)
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.lengthPrefixed(Array(name.utf8))
        writer.lengthPrefixed(Array(coordinator.utf8))
        writer.bytes(authority)
        writer.bytes(root)
        writer.bytes(secret)
        let body = Base64.encode(writer.bytes).utf8.filter { $0 != UInt8(ascii: "=") }.map(Self.urlSafe)
        return Self.prefix + String(decoding: body, as: UTF8.self)
    }

    /// Reads a token; space and line ends around it are let be. Throws `CodecError` for anything that ``text`` does not
    /// make.
    package init(text: String) throws(CodecError) {
        let blank: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        let trimmed = text.utf8.drop { blank.contains($0) }.reversed().drop { blank.contains($0) }.reversed()
        let characters = Array(trimmed)
        let start = ByteReader([])
        guard characters.count <= Self.maximumCharacterCount, characters.starts(with: Self.prefix.utf8) else {
            throw start.malformed("this is no token of this version")
        }
        var body = characters.dropFirst(Self.prefix.utf8.count).map(Self.standard)
        while body.count % 4 != 0 { body.append(UInt8(ascii: "=")) }
        guard let bytes = Base64.decode(String(decoding: body, as: UTF8.self)) else {
            throw start.malformed("the token is damaged")
        }
        var reader = ByteReader(bytes)
        fleet = try reader.statementName()
        name = try reader.statementName()
        let address = try reader.lengthPrefixed(max: Self.maximumAddressByteCount)
        guard !address.isEmpty, address.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw reader.malformed("the address of the coordinator is none")
        }
        coordinator = String(decoding: address, as: UTF8.self)
        authority = try reader.raw(Self.fingerprintByteCount)
        root = try reader.raw(Self.fingerprintByteCount)
        secret = try reader.raw(Self.secretByteCount)
        try reader.expectEnd()
    }

    /// From the alphabet of Base64 to the one without `+` and `/`, so that a token is one word everywhere.
    private static func urlSafe(_ character: UInt8) -> UInt8 {
        switch character {
        case UInt8(ascii: "+"): UInt8(ascii: "-")
        case UInt8(ascii: "/"): UInt8(ascii: "_")
        default: character
        }
    }

    private static func standard(_ character: UInt8) -> UInt8 {
        switch character {
        case UInt8(ascii: "-"): UInt8(ascii: "+")
        case UInt8(ascii: "_"): UInt8(ascii: "/")
        // These two are of the other alphabet: they make no token.
        case UInt8(ascii: "+"), UInt8(ascii: "/"): 0
        default: character
        }
    }
}

extension EnrolmentToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never shows the secret.
    package var description: String { "token for \(name) of fleet \(fleet)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["fleet": fleet, "name": name]) }
}
