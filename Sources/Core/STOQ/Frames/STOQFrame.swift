/// The header of every frame: 12 bytes, numbers little-endian.
///
/// `u32` bytes of payload, `u32` stream (0: the connection), `u8` type, `u8` flags, `u16` zero.
package struct STOQFrameHeader: Sendable, Hashable {
    package static let byteCount = 12

    /// Types below 128 must be understood; those above may be skipped.
    package enum FrameType {
        static let hello: UInt8 = 1
        static let open: UInt8 = 2
        package static let data: UInt8 = 3
        static let credit: UInt8 = 4
        static let reset: UInt8 = 5
        static let ping: UInt8 = 6
        static let pong: UInt8 = 7
        static let goodbye: UInt8 = 8
        static let firstOptional: UInt8 = 128
    }

    package enum Flags {
        /// The last frame of a message.
        package static let endOfMessage: UInt8 = 1
        /// The sender sends nothing more on this stream.
        package static let endOfStream: UInt8 = 2
        /// The message is one zstd frame.
        package static let compressed: UInt8 = 4
        static let all: UInt8 = 7
    }

    package let length: Int
    package let stream: UInt32
    package let type: UInt8
    package let flags: UInt8

    package init(type: UInt8, flags: UInt8 = 0, stream: UInt32, length: Int) {
        precondition((0...STOQLimits.framePayloadByteCount).contains(length), "a frame of \(length) bytes")
        self.length = length
        self.stream = stream
        self.type = type
        self.flags = flags
    }

    /// Reads a header from ``byteCount`` bytes. Throws if it breaks a rule that needs no knowledge of the connection.
    package init(decoding bytes: UnsafeRawBufferPointer) throws(STOQViolation) {
        precondition(bytes.count >= Self.byteCount, "\(bytes.count) bytes are no header")
        let declared = bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self).littleEndian
        stream = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self).littleEndian
        type = bytes[8]
        flags = bytes[9]
        guard declared <= STOQLimits.framePayloadByteCount else { throw .oversizedFrame(declared) }
        guard bytes[10] == 0, bytes[11] == 0 else { throw .malformedFrame("the reserved bytes are not zero") }
        length = Int(declared)
    }

    /// The header's bytes.
    package var bytes: [UInt8] {
        func word(_ value: UInt32) -> [UInt8] {
            [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8),
                UInt8(truncatingIfNeeded: value >> 16), UInt8(truncatingIfNeeded: value >> 24)]
        }
        return word(UInt32(length)) + word(stream) + [type, flags, 0, 0]
    }
}

/// How a peer broke the protocol; the connection is closed, nothing else changes.
package enum STOQViolation: Error, Sendable, Hashable, CustomStringConvertible {
    case oversizedFrame(UInt32)
    case malformedFrame(String)
    case unknownFrame(UInt8)
    case helloExpected
    case secondHello
    case notSTOQ
    case noCommonVersion(ours: ClosedRange<UInt8>, theirs: ClosedRange<UInt8>)
    case streamNumber(UInt32)
    case tooManyStreams(Int)
    case creditExceeded(stream: UInt32)
    case creditOverflow(stream: UInt32)
    case oversizedMessage(stream: UInt32)
    case tooManyMessages(stream: UInt32)
    case badCompression(String)

    /// The code that the peer is told.
    package var code: STOQErrorCode {
        switch self {
        case .oversizedFrame, .oversizedMessage, .tooManyMessages, .tooManyStreams: .tooLarge
        case .noCommonVersion: .version
        default: .malformed
        }
    }

    package var description: String {
        switch self {
        case .oversizedFrame(let length): "a frame of \(length) bytes"
        case .malformedFrame(let why): "a malformed frame: \(why)"
        case .unknownFrame(let type): "a frame of unknown type \(type)"
        case .helloExpected: "a frame before the hello"
        case .secondHello: "a second hello"
        case .notSTOQ: "a hello of another protocol"
        case .noCommonVersion(let ours, let theirs):
            "versions \(theirs.lowerBound) to \(theirs.upperBound), we speak \(ours.lowerBound) to \(ours.upperBound)"
        case .streamNumber(let stream): "stream \(stream), which the peer may not use now"
        case .tooManyStreams(let limit): "more than \(limit) open streams"
        case .creditExceeded(let stream): "more bytes on stream \(stream) than were allowed"
        case .creditOverflow(let stream): "more credit for stream \(stream) than there can be"
        case .oversizedMessage(let stream): "a message on stream \(stream) that is too long"
        case .tooManyMessages(let stream): "too many messages on stream \(stream) that nobody has taken"
        case .badCompression(let why): "a badly compressed message: \(why)"
        }
    }
}
