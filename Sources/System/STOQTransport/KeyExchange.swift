import NIOSSL

/// Which groups of the key exchange an endpoint agrees on. A recording of a connection with a classical exchange can be
/// read by whoever builds a quantum computer later.
package enum KeyExchange: Sendable {
    /// X25519MLKEM768; ML-KEM-1024 with a peer that agrees on nothing else.
    case hybrid
    /// ML-KEM-1024 alone, for those who must have security category 5 throughout.
    case mlkem1024
    /// Classical groups, too, after the hybrid one: for tests of what is refused.
    case any

    /// swift-nio-ssl has no name for ML-KEM-1024; this is its number in IANA's registry.
    private static let mlkem1024Curve = NIOTLSCurve(rawValue: 0x0202)

    /// The groups that are offered and taken, best first.
    var curves: [NIOTLSCurve] {
        switch self {
        case .hybrid: [.x25519_MLKEM768, Self.mlkem1024Curve]
        case .mlkem1024: [Self.mlkem1024Curve]
        case .any: [.x25519_MLKEM768, .x25519, .secp256r1]
        }
    }

    /// The names of the groups that are agreed on, best first; empty: any.
    private var names: [String] {
        switch self {
        case .hybrid: ["X25519MLKEM768", "MLKEM1024"]
        case .mlkem1024: ["MLKEM1024"]
        case .any: []
        }
    }

    /// Why a connection with `group` is refused; nil if it is not.
    package func refusal(of group: String) -> String? {
        if names.isEmpty || names.contains(group) { return nil }
        return "the key exchange is \(group), and \(wanted) is required"
    }

    /// What a failed handshake means; the words of the TLS library where there are no better ones.
    func explanation(of error: any Error) -> String {
        let text = "\(error)"
        // The first is what the side says that found it, the second what the other gets to hear.
        guard text.contains("NO_SHARED_GROUP") || text.contains("SSLV3_ALERT_HANDSHAKE_FAILURE"), !names.isEmpty
        else { return text }
        return "no group of the key exchange in common, this side takes \(wanted): is `kyber1024` set on one of the "
            + "two, and the other's program older than it, or not of this project? (\(text))"
    }

    /// The groups in words.
    private var wanted: String { names.joined(separator: " or ") }
}
