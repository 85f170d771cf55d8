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

extension OperatorSigned: ListedWord where Statement == HostStanding {
    package static var listKind: String { "standings" }
    /// "MFHS".
    package static var listMark: [UInt8] { [0x4D, 0x46, 0x48, 0x53] }
    /// One for each host that ever lost its standing.
    package static var listLimit: Int { 2_048 }
}

/// What operators said of hosts that lost their standing: those removed, and those whose name another host has now.
/// docs/formats/standing.md states the form.
package typealias StandingList = SignedList<SignedStanding>
