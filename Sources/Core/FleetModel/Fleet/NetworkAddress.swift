/// A host and a port, as people write them: `fra1.example.org:7444`, `127.0.1.1:7444`, `[::1]:7444`.
///
/// Written to JSON as that one string.
package struct NetworkAddress: Sendable, Hashable, LosslessStringConvertible {
    /// A host name or an IP address, without brackets.
    package var host: String
    /// The port, 0 to 65535; 0 asks the system for one and makes sense only for listening.
    package var port: Int

    /// Makes the address from its parts; nothing is checked.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`; an IPv6 address stands in brackets. Nil when the text is not of that form.
    package init?(_ description: String) {
        let bytes = Array(description.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = bytes[(colon + 1)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let port = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard port <= 65535 else { return nil }
        var host = bytes[..<colon]
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
            host = host.dropFirst().dropLast()
            guard host.contains(UInt8(ascii: ":")), host.allSatisfy(Self.isIPv6Byte) else { return nil }
        } else {
            guard host.allSatisfy(Self.isNameByte) else { return nil }
        }
        guard (1...253).contains(host.count) else { return nil }
        self.host = String(decoding: host, as: UTF8.self)
        self.port = port
    }

    /// `HOST:PORT`, an IPv6 address in brackets.
    package var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func isIPv6Byte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x3a, 0x41...0x46, 0x61...0x66, UInt8(ascii: "."): true
        default: false
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension NetworkAddress: Codable {
    /// Reads the one string `HOST:PORT`.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = NetworkAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an address HOST:PORT: \(text)")
        }
        self = address
    }

    /// Writes the one string `HOST:PORT`.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
