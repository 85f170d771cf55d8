import Content
import Trust
package import UpdateFramework

/// Why a text is no key file.
package enum KeyFileProblem: Error, Hashable, Sendable {
    /// More bytes than ``KeyFileText/maximumByteCount``.
    case tooLong
    /// A line that says nothing known.
    case unknownLine(Int)
    /// Bytes that are no such key.
    case badKey(line: Int)
    /// Parameters beyond what is allowed.
    case badEncryption(line: Int)
    /// No absolute path of a program, or words that are not separated by single spaces.
    case badCommand(line: Int)
    /// Another public or secret line before.
    case repeated(line: Int)
    /// A secret of another kind than the public line.
    case otherKind(line: Int)
    /// No line with the public key before the secret.
    case noPublicKey
}

extension KeyFileProblem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong: "it has more than \(KeyFileText.maximumByteCount) bytes"
        case .unknownLine(let line): "line \(line) is neither a key nor a comment"
        case .badKey(let line): "line \(line) has no key of its kind"
        case .badEncryption(let line):
            "line \(line) is not COST:SALT:BOX with a cost of \(EncryptedSeed.costs.lowerBound) to \(EncryptedSeed.costs.upperBound)"
        case .badCommand(let line):
            "line \(line) names no program: an absolute path, then words, with single spaces between them"
        case .repeated(let line): "line \(line) is a second key in one file"
        case .otherKind(let line): "line \(line) has another kind of key than the public key before it"
        case .noPublicKey: "the public key is missing, or comes after the secret one"
        }
    }
}

/// What a key file says (docs/formats/key-file.md): whose key, its public half, how to get at the secret one. Printing
/// it shows no secret.
package struct KeyFileText: Sendable {
    /// Far above what a hybrid key with a long comment takes.
    package static let maximumByteCount = 16 << 10
    /// Bytes of a comment that says who owns the key.
    package static let commentByteCount = 100

    /// How to get at the secret half.
    enum Secret: Sendable {
        /// The file is the public half.
        case none
        case plain(SecretSeed)
        case encrypted(EncryptedSeed)
        case external(command: [String])
    }

    /// The first comment, printable: who owns the key. Empty if there is none.
    package let comment: String
    /// The kind of the key.
    package let kind: SigningKeyKind
    /// The public half.
    package let key: MetadataKey
    let secret: Secret

    /// Whether there is a secret half, or the way to it.
    package var isSecret: Bool { if case .none = secret { false } else { true } }
    /// Whether the secret half has a passphrase.
    package var isEncrypted: Bool { if case .encrypted = secret { true } else { false } }

    /// Reads the text of a key file. Throws ``KeyFileProblem``.
    package init(_ text: String) throws(KeyFileProblem) {
        guard text.utf8.count <= Self.maximumByteCount else { throw .tooLong }
        var comment: String?
        var found: (kind: SigningKeyKind, key: MetadataKey)?
        var secret: Secret?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            if line.isEmpty { continue }
            if line.hasPrefix("#") {
                comment = comment ?? Self.clean(String(line.dropFirst()))
                continue
            }
            guard let colon = line.firstIndex(of: ":") else { throw .unknownLine(number) }
            let (name, value) = (line[..<colon], line[line.index(after: colon)...])
            guard let (kind, suffix) = Self.kind(name) else { throw .unknownLine(number) }
            if suffix.isEmpty {
                guard found == nil else { throw .repeated(line: number) }
                guard let key = Base64.decode(String(value)).flatMap(kind.publicKey) else {
                    throw .badKey(line: number)
                }
                found = (kind, key)
            } else {
                guard let found else { throw .noPublicKey }
                guard secret == nil else { throw .repeated(line: number) }
                guard found.kind == kind else { throw .otherKind(line: number) }
                secret = try Self.secret(suffix, value, kind: kind, line: number)
            }
        }
        guard let found else { throw .noPublicKey }
        self.comment = comment ?? ""
        kind = found.kind
        key = found.key
        self.secret = secret ?? .none
    }

    /// `comment` as one line of printable ASCII, cut to ``commentByteCount``: it stands in files, in metadata and on
    /// terminals.
    package static func clean(_ comment: String) -> String {
        let bytes = comment.utf8.map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }
        let trimmed = bytes.drop { $0 == 0x20 }.prefix(commentByteCount)
        return String(decoding: trimmed, as: UTF8.self)
    }

    /// The line of a public key.
    static func publicLine(of key: MetadataKey, kind: SigningKeyKind) -> String {
        "\(kind.rawValue):\(Base64.encode(key.publicBytes ?? []))"
    }

    /// The kind that a line's name begins with, and what follows it.
    private static func kind(_ name: Substring) -> (SigningKeyKind, Substring)? {
        for kind in SigningKeyKind.allCases where name.hasPrefix(kind.rawValue) {
            let suffix = name.dropFirst(kind.rawValue.count)
            if ["", "-secret", "-encrypted", "-signer"].contains(suffix) { return (kind, suffix) }
        }
        return nil
    }

    private static func secret(
        _ suffix: Substring, _ value: Substring, kind: SigningKeyKind, line: Int
    ) throws(KeyFileProblem) -> Secret {
        switch suffix {
        case "-secret":
            guard let seed = Base64.decode(String(value)), seed.count == kind.seedByteCount else {
                throw .badKey(line: line)
            }
            return .plain(SecretSeed(bytes: seed))
        case "-encrypted":
            let prefix = EncryptedSeed.method + ":"
            guard value.hasPrefix(prefix),
                let encrypted = EncryptedSeed(
                    text: value.dropFirst(prefix.count), seedByteCount: kind.seedByteCount)
            else { throw .badEncryption(line: line) }
            return .encrypted(encrypted)
        default:
            let words = value.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard words[0].hasPrefix("/"), !words.contains(""), !words.contains(where: { $0.utf8.contains(0) }) else {
                throw .badCommand(line: line)
            }
            return .external(command: words)
        }
    }
}

/// The seed of a key. Printing it shows nothing of it.
struct SecretSeed: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    var description: String { "seed of \(bytes.count) bytes" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: ["count": bytes.count]) }
}
