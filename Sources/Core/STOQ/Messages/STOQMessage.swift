/// A message: bytes in memory that is given back to its pool when the last reference goes.
///
/// `@unchecked Sendable`: the bytes are written by one machine, or one builder, before it gives the message away, and
/// never after.
package final class STOQMessage: @unchecked Sendable {
    /// How the bytes stand for the message.
    enum Encoding: Hashable {
        case plain
        /// One zstd frame for as many bytes.
        case zstd(plainByteCount: Int)
    }

    /// Bytes of the message; 0 before the first part arrived.
    package private(set) var byteCount = 0
    let encoding: Encoding
    private let slab: STOQSlabPool.Slab
    private let pool: STOQSlabPool?

    /// An empty message with room for `capacity` bytes.
    init(capacity: Int, encoding: Encoding = .plain, pool: STOQSlabPool?) {
        self.encoding = encoding
        self.pool = pool
        slab = pool?.take(capacity) ?? STOQSlabPool.allocate(capacity)
    }

    /// A message with a copy of `bytes`, for tests and for answers that are made here.
    package convenience init(_ bytes: [UInt8]) {
        self.init(capacity: bytes.count, pool: nil)
        bytes.withUnsafeBytes { append($0) }
    }

    deinit {
        if let pool { pool.giveBack(slab) } else { slab.deallocate() }
    }

    /// Calls `body` with the bytes, which are valid only during the call.
    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(UnsafeRawBufferPointer(start: slab.memory.baseAddress, count: byteCount))
    }

    /// A copy of the bytes.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    /// What the message costs until it is taken.
    package var cost: Int {
        switch encoding {
        case .plain: STOQLimits.cost(capacityWanted)
        case .zstd(let count): STOQLimits.cost(count)
        }
    }

    /// The bytes that the message was made for.
    private var capacityWanted: Int { slab.wanted }

    /// Bytes that are still to come.
    var missing: Int { slab.wanted - byteCount }

    /// Appends a part; there must be room for it.
    func append(_ part: UnsafeRawBufferPointer) {
        precondition(part.count <= missing, "\(part.count) bytes where \(missing) are missing")
        UnsafeMutableRawBufferPointer(rebasing: slab.memory[byteCount...]).copyMemory(from: part)
        byteCount += part.count
    }

    /// Has `count` more bytes written by `body`; there must be room for them. If it throws, nothing was added.
    func append(_ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
        precondition(count <= missing, "\(count) bytes where \(missing) are missing")
        try body(UnsafeMutableRawBufferPointer(rebasing: slab.memory[byteCount..<byteCount + count]))
        byteCount += count
    }

    /// Has all bytes written at once by `body`, which says how many they are.
    func fill(_ body: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows {
        byteCount = try body(UnsafeMutableRawBufferPointer(rebasing: slab.memory[..<slab.wanted]))
    }
}
