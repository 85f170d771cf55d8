/// Why a text is not the key that it should be.
package enum KeyTextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text is longer than a key file can be.
    case tooLong(byteCount: Int)
    /// The text has no line with a key, or several.
    case wrongNumberOfKeys(Int)
    /// The text holds a secret key where a public one belongs.
    case secretKey
    /// The text holds a public key where the secret one is needed.
    case publicKey
    /// The line does not begin with a known type of key.
    case unknownType
    /// What follows the type is not the Base64 of 32 bytes.
    case badKey

    package var description: String {
        switch self {
        case .tooLong(let count):
            "a key file has at most \(KeyText.maximumByteCount) bytes, this has \(count)"
        case .wrongNumberOfKeys(0): "there is no key in it: expected one line like ed25519:BASE64"
        case .wrongNumberOfKeys(let count): "there are \(count) keys in it: expected one line like ed25519:BASE64"
        case .secretKey:
            "this is a publisher's secret key: use the public key (ed25519:...), and keep this file to the publisher"
        case .publicKey: "this is a publisher's public key: signing needs the secret key (ed25519-secret:...)"
        case .unknownType: "the key is of an unknown type: expected ed25519:BASE64"
        case .badKey: "the key is damaged: expected 44 characters of Base64 after the type"
        }
    }
}

/// The text form that public and secret keys share: lines that begin with `#` and empty lines are skipped, one line
/// with `TYPE:BASE64` remains.
enum KeyText {
    /// More than a key and a page of comment; bounds what is read.
    static let maximumByteCount = 4096
    static let publicType = "ed25519"
    static let secretType = "ed25519-secret"

    /// The 32 bytes after `type`. Throws ``KeyTextError``.
    static func parse(_ text: String, type: String) throws(KeyTextError) -> [UInt8] {
        guard text.utf8.count <= maximumByteCount else { throw .tooLong(byteCount: text.utf8.count) }
        let lines = text.utf8.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
            .map { trim(Array($0)) }
            .filter { !$0.isEmpty && $0.first != UInt8(ascii: "#") }
        guard lines.count == 1, let line = lines.first else { throw .wrongNumberOfKeys(lines.count) }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .unknownType }
        let found = Array(line[..<colon])
        if found == Array(secretType.utf8), type != secretType { throw .secretKey }
        if found == Array(publicType.utf8), type != publicType { throw .publicKey }
        guard found == Array(type.utf8) else { throw .unknownType }
        guard let bytes = Base64.decode(Array(line[(colon + 1)...])), bytes.count == PublisherPublicKey.byteCount else {
            throw .badKey
        }
        return bytes
    }

    private static func trim(_ line: [UInt8]) -> [UInt8] {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var rest = line[...]
        while let first = rest.first, isBlank(first) {
            rest.removeFirst()
        }
        while let last = rest.last, isBlank(last) {
            rest.removeLast()
        }
        return Array(rest)
    }
}
