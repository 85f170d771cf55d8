import NIOCore

/// Reads from the bytes of a TLS 1.3 handshake which key exchange group the server chose.
///
/// swift-nio-ssl does not say. The ServerHello is in clear text and names the group of its key share (RFC 8446, 4.1.3
/// and 4.2.8), and the client's library goes on only with the group that it names, so this is what was negotiated. It
/// stands between the socket and TLS; it looks at the direction in which the server's bytes go and changes nothing.
final class ServerHelloTap: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A hello and a retry before it are far shorter.
    private static let byteLimit = 16 << 10

    private let watchesInbound: Bool
    private var seen: [UInt8] = []
    private var isDone = false
    /// The group's number in the TLS registry, once it was seen.
    private(set) var group: UInt16?

    /// - Parameter isServer: whether this end is the server, so that the hello goes out.
    init(isServer: Bool) {
        watchesInbound = !isServer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if watchesInbound { look(at: unwrapInboundIn(data)) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if !watchesInbound { look(at: unwrapOutboundIn(data)) }
        context.write(data, promise: promise)
    }

    private func look(at buffer: ByteBuffer) {
        guard !isDone else { return }
        seen += buffer.readableBytesView
        switch ServerHello.group(in: seen) {
        case .found(let number):
            group = number
            isDone = true
        case .none: isDone = true
        case .incomplete: isDone = seen.count > Self.byteLimit
        }
        if isDone { seen = [] }
    }
}

/// The few bytes of TLS that the tap understands.
enum ServerHello {
    enum Search: Equatable {
        case found(UInt16)
        case incomplete
        case none
    }

    /// The random value of a HelloRetryRequest (RFC 8446, 4.1.3): another ServerHello follows.
    private static let retryRandom: [UInt8] = [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
        0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
    ]
    private static let handshakeRecord: UInt8 = 22
    private static let changeCipherRecord: UInt8 = 20
    private static let serverHelloMessage: UInt8 = 2
    private static let keyShareExtension = 51

    /// The group of the key share in the server's first flight.
    static func group(in bytes: [UInt8]) -> Search {
        var position = 0
        while true {
            guard bytes.count - position >= 5 else { return .incomplete }
            let length = Int(bytes[position + 3]) << 8 | Int(bytes[position + 4])
            guard bytes.count - position - 5 >= length else { return .incomplete }
            let record = bytes[(position + 5)..<(position + 5 + length)]
            switch bytes[position] {
            case handshakeRecord:
                guard let (group, isRetry) = keyShare(in: Array(record)) else { return .none }
                if !isRetry { return .found(group) }
            case changeCipherRecord: break
            default: return .none
            }
            position += 5 + length
        }
    }

    /// The group in one ServerHello, and whether it only asks to try again.
    private static func keyShare(in message: [UInt8]) -> (group: UInt16, isRetry: Bool)? {
        // Message header 4, version 2, random 32, then the session id.
        guard message.count > 39, message[0] == serverHelloMessage else { return nil }
        let isRetry = Array(message[6..<38]) == retryRandom
        var position = 39 + Int(message[38]) + 3
        guard message.count >= position + 2 else { return nil }
        let end = min(message.count, position + 2 + (Int(message[position]) << 8 | Int(message[position + 1])))
        position += 2
        while position + 4 <= end {
            let kind = Int(message[position]) << 8 | Int(message[position + 1])
            let length = Int(message[position + 2]) << 8 | Int(message[position + 3])
            guard position + 4 + length <= end else { return nil }
            if kind == keyShareExtension, length >= 2 {
                return (UInt16(message[position + 4]) << 8 | UInt16(message[position + 5]), isRetry)
            }
            position += 4 + length
        }
        return nil
    }

    /// The name of a group in the TLS registry of supported groups.
    static func name(of group: UInt16?) -> String {
        switch group {
        case 0x11EC: "X25519MLKEM768"
        case 0x11ED: "SecP384r1MLKEM1024"
        case 0x11EB: "SecP256r1MLKEM768"
        case 0x0201: "MLKEM768"
        case 0x0202: "MLKEM1024"
        case 0x001D: "X25519"
        case 0x0017: "P-256"
        case 0x0018: "P-384"
        case let other?: "group \(other)"
        case nil: "unknown"
        }
    }
}
