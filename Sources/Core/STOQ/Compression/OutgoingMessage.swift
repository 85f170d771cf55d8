/// A message as it goes out: plain, or compressed where that pays.
package struct OutgoingMessage: Sendable {
    /// How to find out whether compression pays.
    package enum Compression: Hashable, Sendable {
        /// It does not: bytes known to be compressed already, or a path faster than the compressor.
        case never
        /// Compress all of it and keep the result if it saves enough.
        case whole
        /// Compress a few pieces first, and all of it only if they got much smaller.
        case sampled
    }

    /// Messages below this are sent as they are: one packet holds them anyhow.
    static let floor = 512
    /// What compression must save to be kept, as a divisor: a tenth.
    private static let savingDivisor = 10
    /// What it must save on the pieces: a quarter, since both ends pay for it at every byte.
    private static let sampleSavingDivisor = 4
    private static let sampleBytes = 4 << 10
    private static let samples = 3

    let wire: STOQMessage
    let plainByteCount: Int
    let isCompressed: Bool

    /// A message of at most ``STOQLimits/messageCeiling`` bytes. Throws ``STOQError`` with `tooLarge` for a longer one.
    package init(_ bytes: [UInt8], compression: Compression) throws(STOQError) {
        // Before the copy.
        try Self.check(bytes.count)
        try self.init(STOQMessage(bytes), compression: compression)
    }

    /// The same without a copy: `message` must be plain, and not change any more.
    /// - Throws: `STOQError` for a message that is too long.
    package init(_ message: STOQMessage, compression: Compression) throws(STOQError) {
        try Self.check(message.byteCount)
        plainByteCount = message.byteCount
        if let frame = Self.compress(message, compression) {
            wire = STOQMessage(frame)
            isCompressed = true
        } else {
            wire = message
            isCompressed = false
        }
    }

    private static func check(_ count: Int) throws(STOQError) {
        guard count <= STOQLimits.messageCeiling else {
            throw STOQError(.tooLarge, "a message of \(count) bytes, the limit is \(STOQLimits.messageCeiling)")
        }
    }

    /// The compression for a stream of `kind`: bulk is tried on samples, and only on paths slow enough
    /// (`roundTrip`, nil if not measured) that saving bytes saves time.
    package static func compression(for kind: StreamKind, roundTrip: Duration?) -> Compression {
        guard kind == .bulk else { return .whole }
        guard let roundTrip, roundTrip >= slowPath else { return .never }
        return .sampled
    }

    /// Below this a path is a local one, where the compressor (half a gigabyte a second) is the slower part.
    private static let slowPath = Duration.milliseconds(2)

    var cost: Int { STOQLimits.cost(plainByteCount) }

    private static func compress(_ message: STOQMessage, _ compression: Compression) -> [UInt8]? {
        guard compression != .never, message.byteCount > floor else { return nil }
        return message.withUnsafeBytes { buffer in
            if compression == .sampled, !isSampleWorthIt(buffer) { return nil }
            return Zstd.compress(buffer, limit: buffer.count - buffer.count / savingDivisor)
        }
    }

    private static func isSampleWorthIt(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count > samples * sampleBytes else { return true }
        let stride = (bytes.count - sampleBytes) / (samples - 1)
        var worthwhile = 0
        for index in 0..<samples {
            let start = index * stride
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<start + sampleBytes])
            if Zstd.compress(piece, limit: sampleBytes - sampleBytes / sampleSavingDivisor) != nil { worthwhile += 1 }
        }
        return worthwhile * 2 > samples
    }
}

extension STOQMessage {
    /// The message itself if it came plain, else a new one with what it stands for. Throws ``ZstdError`` before
    /// anything is decompressed if the frame is not what the receiver allows.
    package func decompressed(pool: STOQSlabPool?) throws(ZstdError) -> STOQMessage {
        guard case .zstd(let count) = encoding else { return self }
        let plain = STOQMessage(capacity: count, pool: pool)
        var failure: ZstdError?
        withUnsafeBytes { frame in
            plain.fill { destination in
                do throws(ZstdError) {
                    try Zstd.decompress(frame, into: destination)
                    return count
                } catch {
                    failure = error
                    return 0
                }
            }
        }
        if let failure { throw failure }
        return plain
    }
}
