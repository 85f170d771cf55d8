/// The digest algorithms that a manifest can carry. The numbers are part of the formats and never change.
package enum HashAlgorithm: UInt8, CaseIterable, Sendable {
    case blake3 = 1
    case sha256 = 2
    case sha512 = 3
    case sha3_256 = 4
    case xxh3_128 = 5

    /// The name in `fleet.yaml` and in texts: `blake3`, `sha256`, `sha512`, `sha3-256`, `xxh3-128`.
    package var name: String {
        switch self {
        case .blake3: "blake3"
        case .sha256: "sha256"
        case .sha512: "sha512"
        case .sha3_256: "sha3-256"
        case .xxh3_128: "xxh3-128"
        }
    }

    /// The algorithm of that exact name.
    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// Bytes of a digest.
    package var byteCount: Int {
        switch self {
        case .blake3, .sha256, .sha3_256: 32
        case .sha512: 64
        case .xxh3_128: 16
        }
    }

    /// Whether nobody can make two inputs of one digest on purpose. XXH3 finds accidents only.
    package var isCryptographic: Bool { self != .xxh3_128 }
}
