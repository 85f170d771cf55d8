/// Where a publisher's public key is: written in the file itself, or in a file beside it.
///
/// Written to JSON as the text that stands in fleet.yaml (a path made absolute or relative to the working directory).
package enum PublisherReference: Sendable, Hashable, CustomStringConvertible {
    /// The key itself, `ed25519:` and the base64 of its 32 bytes.
    case key(String)
    /// The path of a file that holds one such key.
    case file(String)

    /// The key, or the path of its file.
    package var description: String {
        switch self {
        case .key(let text), .file(let text): text
        }
    }
}

extension PublisherReference: Codable {
    /// Reads the one string.
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self = text.hasPrefix("ed25519:") ? .key(text) : .file(text)
    }

    /// Writes the one string.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
