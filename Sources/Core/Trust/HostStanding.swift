package import Content

/// The word of an operator on one host of the fleet: that it is a member from now on, or is none any more.
///
/// Of two words on one host the later counts, and of two of the same moment the one that takes away; so they can be
/// merged in any order. Either ends what was before: a certificate from before a later word does not count.
package struct HostStanding: OperatorStatement {
    package static let kind = "standing"
    package static let domain = SignatureDomain.standing

    /// The fleet.
    package let fleet: String
    /// The host's name.
    package let name: String
    /// Whether the host is a member, of the role `agent`.
    package let isMember: Bool
    /// When it was said, in milliseconds since 1970 by the operator's clock.
    package let at: Int64

    /// Makes the value from its parts; nothing is checked.
    package init(fleet: String, name: String, isMember: Bool, at: Int64) {
        self.fleet = fleet
        self.name = name
        self.isMember = isMember
        self.at = at
    }

    package var signedAt: Int64 { at / 1_000 }

    /// Whether this word counts where `other` was said of the same host.
    package func supersedes(_ other: HostStanding) -> Bool {
        at > other.at || at == other.at && !isMember && other.isMember
    }

    /// The canonical bytes: fleet, name, whether a member, time.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.lengthPrefixed(Array(name.utf8))
        writer.u8(isMember ? 1 : 0)
        writer.i64(at)
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        fleet = try reader.statementName()
        name = try reader.statementName()
        switch try reader.u8() {
        case 0: isMember = false
        case 1: isMember = true
        default: throw reader.malformed("a host that is neither a member nor none")
        }
        at = try reader.i64()
        guard at >= 0 else { throw reader.malformed("a time before 1970") }
        try reader.expectEnd()
    }
}

/// A standing with the signature of the operator who says it.
package typealias SignedStanding = OperatorSigned<HostStanding>

/// What operators said of hosts that lost their standing: those removed, and those whose name another host has now.
/// Signed word by word, so whoever has the list can pass it on. docs/formats/standing.md states the form.
package struct StandingList: Hashable, Sendable {
    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most words: one for each host that ever lost its standing.
    package static let limit = 2_048
    /// The most bytes of a list.
    package static let maximumByteCount = 4 << 20
    /// "MFHS": tells a person who finds the file, and this program, what it is.
    private static let mark: [UInt8] = [0x4D, 0x46, 0x48, 0x53]

    /// The words, in the order of the list.
    package let words: [SignedStanding]

    /// A list of these words; nothing is verified.
    package init(_ words: [SignedStanding] = []) {
        self.words = words
    }

    /// The canonical bytes.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + words.count * 1_024)
        writer.bytes(Self.mark)
        writer.u8(Self.formatVersion)
        writer.varint(UInt64(words.count))
        for word in words { writer.lengthPrefixed(word.encode()) }
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        guard bytes.count <= Self.maximumByteCount else {
            throw reader.malformed("\(bytes.count) bytes of standings, the limit is \(Self.maximumByteCount)")
        }
        guard try reader.raw(Self.mark.count) == Self.mark else {
            throw reader.malformed("this is no list of standings")
        }
        let version = try reader.u8()
        guard version == Self.formatVersion else {
            throw reader.malformed("format version \(version) of a list of standings")
        }
        var words: [SignedStanding] = []
        for _ in 0..<(try reader.count(max: Self.limit)) {
            words.append(
                try SignedStanding(decoding: reader.lengthPrefixed(max: SignedStanding.maximumByteCount)))
        }
        try reader.expectEnd()
        self.words = words
    }
}
