package import Content

/// What each side says about itself when a connection begins, and again when its heads change. A hint, not a proof:
/// who the peer is stands in its certificate, and a head counts when its signature was verified.
package struct STOQGreeting: Hashable, Sendable {
    /// The newest release that a side has of one set.
    package struct Head: Hashable, Sendable {
        /// The set.
        package let set: String
        /// The sequence of the release.
        package let sequence: UInt64
        /// The digest of its document.
        package let release: ReleaseDigest

        package init(set: String, sequence: UInt64, release: ReleaseDigest) {
            self.set = set
            self.sequence = sequence
            self.release = release
        }
    }

    /// The most heads in one greeting: more sets than a host carries.
    package static let headLimit = 1_024

    /// The fleet.
    package let fleet: String
    /// The sender's name.
    package let name: String
    /// Heads by set, ascending, each set once.
    package let heads: [Head]
    /// The version of the TUF timestamp that the sender has verified; 0: none.
    package let timestampVersion: UInt64

    /// Heads are put in order; of those beyond ``headLimit`` and of several of one set only the first is told.
    package init(fleet: String, name: String, heads: [Head] = [], timestampVersion: UInt64 = 0) {
        self.fleet = fleet
        self.name = name
        self.timestampVersion = timestampVersion
        var sorted: [Head] = []
        for head in heads.sorted(by: { Array($0.set.utf8).lexicographicallyPrecedes($1.set.utf8) })
        where sorted.last?.set != head.set && sorted.count < Self.headLimit {
            sorted.append(head)
        }
        self.heads = sorted
    }

    /// Fleet, name, heads, version of the timestamp.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + heads.count * 112)
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.lengthPrefixed(Array(name.utf8))
        writer.varint(UInt64(heads.count))
        for head in heads {
            writer.lengthPrefixed(Array(head.set.utf8))
            writer.varint(head.sequence)
            writer.digest(head.release.raw)
        }
        writer.varint(timestampVersion)
        return writer.bytes
    }

    /// Throws `CodecError` for anything that ``encode()`` does not make.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        fleet = try reader.plainName()
        name = try reader.plainName()
        var heads: [Head] = []
        for _ in 0..<(try reader.count(max: Self.headLimit)) {
            let set = try reader.plainName()
            if let last = heads.last, !Array(last.set.utf8).lexicographicallyPrecedes(set.utf8) {
                throw reader.malformed("heads are not in order")
            }
            heads.append(
                Head(set: set, sequence: try reader.varint(), release: ReleaseDigest(try reader.digest())))
        }
        timestampVersion = try reader.varint()
        try reader.expectEnd()
        self.heads = heads
    }
}
