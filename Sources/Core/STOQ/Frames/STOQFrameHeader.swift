/// The types of frames. One at or above 0x80 may be ignored by a side that does not know it, any other may not.
package enum STOQFrameType: UInt8, CaseIterable, Hashable, Sendable {
    /// Versions and settings; the first frame of each side.
    case hello = 0x01
    /// Who the sender is and which heads it has; the second frame of each side, and again when heads change.
    case greeting = 0x02
    /// Opens a stream.
    case open = 0x03
    /// A part of a message, or the end of a stream.
    case message = 0x04
    /// More credit, for a stream or a kind.
    case credit = 0x05
    /// Ends a stream in both directions.
    case reset = 0x06
    /// Asks for a sign of life, or gives it.
    case ping = 0x07
    /// No new streams; the connection ends when the open ones have.
    case goAway = 0x08

    /// Types from here on may be ignored.
    static let firstIgnorable: UInt8 = 0x80
}

/// Flags of frames; each has its meaning for one type only.
enum STOQFrameFlag {
    /// MESSAGE: a message begins, its lengths come first.
    static let begins: UInt8 = 0x01
    /// MESSAGE that begins: the bytes are one zstd frame.
    static let zstd: UInt8 = 0x02
    /// MESSAGE: the sender's last word on this stream.
    static let finishes: UInt8 = 0x04
    /// PING: the answer to one.
    static let answers: UInt8 = 0x01
}

/// The twelve bytes before every payload: type, flags, two reserved bytes, stream, length of the payload; numbers are
/// little-endian.
package struct STOQFrameHeader: Hashable, Sendable {
    /// Bytes of a header.
    package static let byteCount = 12

    /// One of ``STOQFrameType``, or unknown.
    package var type: UInt8
    /// Bits whose meaning depends on the type.
    package var flags: UInt8
    /// Must be 0.
    package var reserved: UInt16 = 0
    /// The stream; 0 for the connection.
    package var stream: UInt32
    /// Bytes of payload.
    package var length: UInt32

    package init(type: STOQFrameType, flags: UInt8 = 0, stream: UInt32 = 0, length: Int) {
        self.type = type.rawValue
        self.flags = flags
        self.stream = stream
        self.length = UInt32(length)
    }

    /// Reads the first twelve of `bytes`, which must be there. Any twelve bytes are a header; whether it makes sense
    /// is for the machine to say.
    init(_ bytes: UnsafeRawBufferPointer) {
        type = bytes[0]
        flags = bytes[1]
        reserved = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        stream = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    /// Writes the twelve bytes to the front of `bytes`, which must have room.
    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes[0] = type
        bytes[1] = flags
        bytes.storeBytes(of: reserved.littleEndian, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: stream.littleEndian, toByteOffset: 4, as: UInt32.self)
        bytes.storeBytes(of: length.littleEndian, toByteOffset: 8, as: UInt32.self)
    }
}
