/// A frame on its way out: the header, up to eight bytes of lengths, and a part of a message that is not copied until
/// it is written to its place.
package struct STOQFrame: Sendable {
    /// The lengths at the front of the first part of a message.
    struct Lengths: Sendable {
        static let byteCount = 8

        /// Bytes of the message on the wire.
        let wire: UInt32
        /// Bytes of the message.
        let plain: UInt32
    }

    /// Type, stream and length.
    package let header: STOQFrameHeader
    let lengths: Lengths?
    private let body: Body

    /// What follows the header and the lengths.
    private enum Body: Sendable {
        case bytes([UInt8])
        case part(Range<Int>, of: STOQMessage)
    }

    init(_ type: STOQFrameType, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8]) {
        header = STOQFrameHeader(type: type, flags: flags, stream: stream, length: payload.count)
        lengths = nil
        body = .bytes(payload)
    }

    init(part range: Range<Int>, of message: STOQMessage, flags: UInt8, stream: UInt32, lengths: Lengths?) {
        let length = range.count + (lengths == nil ? 0 : Lengths.byteCount)
        header = STOQFrameHeader(type: .message, flags: flags, stream: stream, length: length)
        self.lengths = lengths
        body = .part(range, of: message)
    }

    /// Bytes of the frame, with its header.
    package var byteCount: Int { STOQFrameHeader.byteCount + Int(header.length) }

    /// Writes the frame to the front of `destination`, which must have room for it; the number of bytes written.
    @discardableResult
    package func write(to destination: UnsafeMutableRawBufferPointer) -> Int {
        precondition(destination.count >= byteCount, "\(destination.count) bytes are no room for \(byteCount)")
        header.write(to: destination)
        var offset = STOQFrameHeader.byteCount
        if let lengths {
            destination.storeBytes(of: lengths.wire.littleEndian, toByteOffset: offset, as: UInt32.self)
            destination.storeBytes(of: lengths.plain.littleEndian, toByteOffset: offset + 4, as: UInt32.self)
            offset += Lengths.byteCount
        }
        let rest = UnsafeMutableRawBufferPointer(rebasing: destination[offset...])
        switch body {
        case .bytes(let bytes): rest.copyBytes(from: bytes)
        case .part(let range, let message):
            message.withUnsafeBytes { rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range])) }
        }
        return byteCount
    }

    /// A copy of all bytes of the frame.
    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            count = write(to: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
