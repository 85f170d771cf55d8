package import Content

/// What two hosts that take part in the swarm of one release tell each other (docs/formats/swarm.md).
package enum SwarmMessage: Hashable, Sendable {
    /// The first message of each side.
    case hello(SwarmHello)
    /// The sender has these too, from now on.
    case have([Range<UInt32>])
    /// The sender lacks these, and knows of nobody who has them: the origin may lease them to it. Replaces the last one.
    case want(OrdinalSet)
    /// The origin gives the receiver these to fetch from it, which nobody else is given.
    case lease([Range<UInt32>])
    /// The sender was leased these, and has seen that somebody else has them now.
    case copied([Range<UInt32>])
    /// The sender does not take these leases: it has the chunks, or knows who has.
    case cancel([Range<UInt32>])
    /// The sender fetches these from another region, for all of its own.
    case claim([Range<UInt32>])
    /// Members that the sender is linked to; replaces the last one. The receiver may link to them, see ``PeerExchange``.
    case peers([SwarmMember])
    /// These sent the sender wrong bytes: the origin should not give them what others can take.
    case distrust([String])
}

/// What a host says of itself when a link begins.
package struct SwarmHello: Hashable, Sendable {
    /// Everything of the release below this ordinal is there; the size of the log: everything.
    package var complete: UInt32
    /// What is there beyond it.
    package var have: OrdinalSet
    /// Whether both hosts are in the same region, as the opener's plan says.
    package var isNear: Bool

    package init(complete: UInt32, have: OrdinalSet = OrdinalSet(), isNear: Bool = true) {
        self.complete = complete
        self.have = have
        self.isNear = isNear
    }
}

/// A member of the fleet and where its agent listens.
package struct SwarmMember: Hashable, Sendable {
    package let name: String
    package let host: String
    package let port: UInt16
    /// Where it is.
    package let region: String

    package init(name: String, host: String, port: UInt16, region: String) {
        self.name = name
        self.host = host
        self.port = port
        self.region = region
    }
}

extension SwarmMessage {
    /// The most ranges in one message; what has more is told in several.
    package static let rangeLimit = 4_096
    /// The most members in one message.
    package static let memberLimit = 16
    /// The version that begins every hello.
    package static let version: UInt8 = 1
    private static let hostLimit = 255
    private static let nearFlag: UInt8 = 1
    private static let lackingFlag: UInt8 = 2

    private enum Tag: UInt8 {
        case hello = 1
        case have, want, lease, copied, cancel, claim, peers, distrust
    }

    /// The bytes.
    package func encode() -> [UInt8] {
        switch self {
        case .hello(let hello):
            var writer = Self.writer(.hello)
            writer.u8(Self.version)
            Self.encode(hello, &writer)
            return writer.bytes
        case .want(let ordinals):
            var writer = Self.writer(.want)
            writer.bytes(ordinals.encode())
            return writer.bytes
        case .have(let ranges): return Self.encode(.have, ranges)
        case .lease(let ranges): return Self.encode(.lease, ranges)
        case .copied(let ranges): return Self.encode(.copied, ranges)
        case .cancel(let ranges): return Self.encode(.cancel, ranges)
        case .claim(let ranges): return Self.encode(.claim, ranges)
        case .peers(let members):
            var writer = Self.writer(.peers)
            writer.varint(UInt64(min(members.count, Self.memberLimit)))
            for member in members.prefix(Self.memberLimit) {
                writer.lengthPrefixed(Array(member.name.utf8))
                writer.lengthPrefixed(Array(member.host.utf8))
                writer.u16(member.port)
                writer.lengthPrefixed(Array(member.region.utf8))
            }
            return writer.bytes
        case .distrust(let names):
            var writer = Self.writer(.distrust)
            writer.varint(UInt64(min(names.count, Self.memberLimit)))
            for name in names.prefix(Self.memberLimit) { writer.lengthPrefixed(Array(name.utf8)) }
            return writer.bytes
        }
    }

    /// What is there, or if that is shorter what is not: a mirror that lacks little says so in few bytes.
    private static func encode(_ hello: SwarmHello, _ writer: inout ByteWriter) {
        let end = hello.have.ranges.last?.upperBound ?? 0
        let there = hello.have.encode()
        let lacking = OrdinalSet(min(hello.complete, end)..<end).subtracting(hello.have).encode()
        let isShorter = lacking.count < there.count
        writer.u8((hello.isNear ? nearFlag : 0) | (isShorter ? lackingFlag : 0))
        writer.varint(UInt64(hello.complete))
        if isShorter { writer.varint(UInt64(end)) }
        writer.bytes(isShorter ? lacking : there)
    }

    private static func writer(_ tag: Tag) -> ByteWriter {
        var writer = ByteWriter(capacity: 64)
        writer.u8(tag.rawValue)
        return writer
    }

    /// Ranges as the gap since the last one and the length.
    private static func encode(_ tag: Tag, _ ranges: [Range<UInt32>]) -> [UInt8] {
        precondition(ranges.count <= rangeLimit, "\(ranges.count) ranges in one message")
        var writer = writer(tag)
        writer.varint(UInt64(ranges.count))
        var next: UInt32 = 0
        for range in ranges {
            precondition(range.lowerBound >= next, "ranges that are not in order")
            writer.varint(UInt64(range.lowerBound - next))
            writer.varint(UInt64(range.count))
            next = range.upperBound
        }
        return writer.bytes
    }

    /// Reads a message about a log of `size` chunks. Throws `CodecError`.
    package init(decoding bytes: [UInt8], size: UInt32) throws(CodecError) {
        var reader = ByteReader(bytes)
        let code = try reader.u8()
        guard let tag = Tag(rawValue: code) else { throw reader.malformed("a message of the unknown kind \(code)") }
        switch tag {
        case .hello: self = .hello(try Self.hello(&reader, size))
        case .want: self = .want(try OrdinalSet(decoding: reader.raw(reader.remaining), limit: size))
        case .have: self = .have(try Self.ranges(&reader, size))
        case .lease: self = .lease(try Self.ranges(&reader, size))
        case .copied: self = .copied(try Self.ranges(&reader, size))
        case .cancel: self = .cancel(try Self.ranges(&reader, size))
        case .claim: self = .claim(try Self.ranges(&reader, size))
        case .peers: self = .peers(try Self.members(&reader))
        case .distrust:
            var names: [String] = []
            for _ in 0..<(try reader.count(max: Self.memberLimit)) { names.append(try reader.plainName()) }
            self = .distrust(names)
        }
        try reader.expectEnd()
    }

    private static func hello(_ reader: inout ByteReader, _ size: UInt32) throws(CodecError) -> SwarmHello {
        let version = try reader.u8()
        guard version == Self.version else { throw reader.malformed("a swarm of version \(version)") }
        let flags = try reader.u8()
        guard flags & ~(nearFlag | lackingFlag) == 0 else { throw reader.malformed("flags \(flags)") }
        let complete = UInt32(try reader.varint(max: UInt64(size)))
        let isLacking = flags & lackingFlag != 0
        let end = isLacking ? UInt32(try reader.varint(max: UInt64(size))) : size
        let set = try OrdinalSet(decoding: reader.raw(reader.remaining), limit: end)
        var have = isLacking ? OrdinalSet(min(complete, end)..<end).subtracting(set) : set
        have.remove(0..<complete)
        return SwarmHello(complete: complete, have: have, isNear: flags & nearFlag != 0)
    }

    private static func ranges(_ reader: inout ByteReader, _ size: UInt32) throws(CodecError) -> [Range<UInt32>] {
        var ranges: [Range<UInt32>] = []
        var next: UInt32 = 0
        for _ in 0..<(try reader.count(max: rangeLimit)) {
            let first = next + UInt32(try reader.varint(max: UInt64(size - next)))
            let end = first + UInt32(try reader.varint(max: UInt64(size - first)))
            guard end > first else { throw reader.malformed("an empty range") }
            ranges.append(first..<end)
            next = end
        }
        return ranges
    }

    private static func members(_ reader: inout ByteReader) throws(CodecError) -> [SwarmMember] {
        var members: [SwarmMember] = []
        for _ in 0..<(try reader.count(max: memberLimit)) {
            let name = try reader.plainName()
            let host = try reader.lengthPrefixed(max: hostLimit)
            guard let text = String(validating: host, as: UTF8.self), !text.isEmpty else {
                throw reader.malformed("a host that is no text")
            }
            let port = try reader.u16()
            members.append(SwarmMember(name: name, host: text, port: port, region: try reader.plainName()))
        }
        return members
    }
}
