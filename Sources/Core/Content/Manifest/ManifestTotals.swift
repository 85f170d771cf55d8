/// The sums over a subtree that index nodes carry.
struct ManifestTotals: Hashable, Sendable {
    private(set) var entries: UInt64 = 0
    private(set) var files: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    static let zero = ManifestTotals()

    private init() {}

    /// The totals of one entry.
    init(of entry: ManifestEntry) {
        entries = 1
        files = entry.type == .file ? 1 : 0
        bytes = entry.size
    }

    /// Reads what `encode` wrote.
    init(decoding reader: inout ByteReader) throws(CodecError) {
        entries = try reader.varint(max: ManifestLimits.entries)
        guard entries > 0 else { throw reader.malformed("a child without entries") }
        files = try reader.varint(max: entries)
        bytes = try reader.varint(max: files == 0 ? 0 : ManifestLimits.byteCount)
    }

    /// Three varints: entries, files, bytes.
    func encode(into writer: inout ByteWriter) {
        writer.varint(entries)
        writer.varint(files)
        writer.varint(bytes)
    }

    /// Adds `other`; throws when the sum is above a limit of `ManifestLimits`.
    mutating func add(_ other: ManifestTotals) throws(ManifestError) {
        // Each side is within its limit, far below 2^63 or at most 2^63 - 1, so these sums do not overflow.
        let entries = self.entries + other.entries
        guard entries <= ManifestLimits.entries else { throw .tooManyEntries }
        let bytes = self.bytes + other.bytes
        guard bytes <= ManifestLimits.byteCount else { throw .tooManyBytes }
        self.entries = entries
        self.files += other.files
        self.bytes = bytes
    }
}
