/// Reads the group of the key exchange from the ServerHello of TLS 1.3 (RFC 8446, 4.1.3), which is the last message
/// that goes in clear. swift-nio-ssl has no accessor for it. What is read can be trusted once the handshake is done: both
/// sides have then proved, by their Finished messages, that they have seen this very ServerHello.
package struct KeyShareReader {
    /// Where the reading stands.
    package enum Outcome: Equatable {
        /// More bytes are needed.
        case unfinished
        /// The group's number in IANA's registry.
        case group(UInt16)
        /// This is no ServerHello of TLS 1.3.
        case notThere
    }

    /// More than a ServerHello with the largest key share in use, twice.
    private static let byteLimit = 8 << 10
    /// The random value that makes a ServerHello a HelloRetryRequest, which another ServerHello follows.
    private static let retryRandom: [UInt8] = [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
        0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
    ]

    /// What was found.
    package private(set) var outcome = Outcome.unfinished
    private var records: [UInt8] = []
    private var handshake: [UInt8] = []

    package init() {}

    /// The name of a group as IANA's registry has it.
    package static func name(of group: UInt16) -> String {
        switch group {
        case 0x0017: "secp256r1"
        case 0x0018: "secp384r1"
        case 0x0019: "secp521r1"
        case 0x001D: "X25519"
        case 0x001E: "X448"
        case 0x0200: "MLKEM512"
        case 0x0201: "MLKEM768"
        case 0x0202: "MLKEM1024"
        case 0x11EB: "SecP256r1MLKEM768"
        case 0x11EC: "X25519MLKEM768"
        case 0x11ED: "SecP384r1MLKEM1024"
        default: "0x" + String(group, radix: 16, uppercase: true)
        }
    }

    /// Takes the bytes that the server sends, as they come.
    package mutating func take(_ bytes: some Sequence<UInt8>) {
        guard outcome == .unfinished else { return }
        for byte in bytes {
            guard records.count < Self.byteLimit else { break }
            records.append(byte)
        }
        while outcome == .unfinished, takeRecord() {}
        if outcome == .unfinished, records.count >= Self.byteLimit { outcome = .notThere }
    }

    /// Takes one record from the front; false if it is not all there.
    private mutating func takeRecord() -> Bool {
        guard records.count >= 5 else { return false }
        let length = Int(records[3]) << 8 | Int(records[4])
        guard records.count >= 5 + length else { return false }
        let fragment = records[5..<5 + length]
        switch records[0] {
        case 22: handshake += fragment
        // change_cipher_spec, which TLS 1.3 sends for the sake of old boxes.
        case 20: break
        default: outcome = .notThere
        }
        records.removeSubrange(..<(5 + length))
        while outcome == .unfinished, takeHandshakeMessage() {}
        return true
    }

    private mutating func takeHandshakeMessage() -> Bool {
        guard handshake.count >= 4 else { return false }
        let length = Int(handshake[1]) << 16 | Int(handshake[2]) << 8 | Int(handshake[3])
        guard length <= Self.byteLimit else {
            outcome = .notThere
            return false
        }
        guard handshake.count >= 4 + length else { return false }
        let body = Array(handshake[4..<4 + length])
        guard handshake[0] == 2 else {
            outcome = .notThere
            return false
        }
        handshake.removeSubrange(..<(4 + length))
        readServerHello(body)
        return true
    }

    private mutating func readServerHello(_ body: [UInt8]) {
        var cursor = Cursor(body)
        guard cursor.skip(2), let random = cursor.take(32), let sessionLength = cursor.number(1),
            cursor.skip(sessionLength), cursor.skip(2 + 1), let extensionsLength = cursor.number(2),
            let extensions = cursor.take(extensionsLength)
        else { return outcome = .notThere }
        if Array(random) == Self.retryRandom { return }
        var list = Cursor(Array(extensions))
        while let type = list.number(2), let length = list.number(2), let value = list.take(length) {
            // key_share
            guard type == 51 else { continue }
            var share = Cursor(Array(value))
            guard let group = share.number(2) else { break }
            return outcome = .group(UInt16(group))
        }
        outcome = .notThere
    }

    private struct Cursor {
        private let bytes: [UInt8]
        private var offset = 0

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= bytes.count - offset else { return nil }
            defer { offset += count }
            return bytes[offset..<offset + count]
        }

        mutating func skip(_ count: Int) -> Bool { take(count) != nil }

        mutating func number(_ byteCount: Int) -> Int? {
            take(byteCount)?.reduce(0) { $0 << 8 | Int($1) }
        }
    }
}
