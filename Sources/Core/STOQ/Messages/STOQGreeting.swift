package import Content

/// What each side says of itself when a connection begins.
package struct STOQGreeting: Sendable, Hashable {
    /// The newest release that a host holds of a set.
    package struct Head: Sendable, Hashable {
        package let set: String
        package let sequence: UInt64
        package let release: ReleaseDigest

        package init(set: String, sequence: UInt64, release: ReleaseDigest) {
            self.set = set
            self.sequence = sequence
            self.release = release
        }
    }

    /// Most heads that are told.
    package static let headLimit = 512
    private static let nameByteLimit = 63

    /// The fleet's name.
    package let fleet: String
    /// The host's name; the certificate proves it, this is for logs.
    package let name: String
    /// Ascending by set.
    package let heads: [Head]

    package init(fleet: String, name: String, heads: [Head]) {
        self.fleet = fleet
        self.name = name
        self.heads = Array(heads.sorted { $0.set < $1.set }.prefix(Self.headLimit))
    }

    func encode(into writer: inout ByteWriter) {
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.lengthPrefixed(Array(name.utf8))
        writer.varint(UInt64(heads.count))
        for head in heads {
            writer.lengthPrefixed(Array(head.set.utf8))
            writer.varint(head.sequence)
            writer.digest(head.release.raw)
        }
    }

    init(decoding reader: inout ByteReader) throws(CodecError) {
        fleet = String(decoding: try reader.lengthPrefixed(max: Self.nameByteLimit), as: UTF8.self)
        name = String(decoding: try reader.lengthPrefixed(max: Self.nameByteLimit), as: UTF8.self)
        var heads: [Head] = []
        for _ in 0..<(try reader.count(max: Self.headLimit)) {
            let set = String(decoding: try reader.lengthPrefixed(max: Self.nameByteLimit), as: UTF8.self)
            let sequence = try reader.varint()
            heads.append(Head(set: set, sequence: sequence, release: ReleaseDigest(try reader.digest())))
        }
        self.heads = heads
    }
}
