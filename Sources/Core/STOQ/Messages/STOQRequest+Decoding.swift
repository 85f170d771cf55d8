package import Content
import Hashing

extension STOQRequest {
    static func write(_ tag: UInt8, _ set: String, _ digests: [BLAKE3Digest], to writer: inout ByteWriter) {
        writer.u8(tag)
        writer.lengthPrefixed(Array(set.utf8))
        writer.varint(UInt64(digests.count))
        for digest in digests { writer.digest(digest) }
    }

    /// Reads a message that came from a peer. Throws ``CodecError`` for anything but one whole request.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        switch try reader.u8() {
        case 1:
            let set = try Self.set(&reader)
            let sequence = try reader.varint()
            self = .release(set: set, sequence: sequence == 0 ? nil : sequence)
        case 2:
            let set = try Self.set(&reader)
            self = .changeset(set: set, ChangesetDigest(try reader.digest()))
        case 3:
            let set = try Self.set(&reader)
            self = .nodes(set: set, try Self.digests(&reader).map { NodeDigest($0) })
        case 4:
            let set = try Self.set(&reader)
            self = .chunkLists(set: set, try Self.digests(&reader).map { ChunkListDigest($0) })
        case 5:
            let set = try Self.set(&reader)
            self = .chunks(set: set, try Self.digests(&reader).map { ChunkDigest($0) })
        case 6:
            self = .command(try reader.lengthPrefixed(max: Self.commandByteLimit))
        default:
            throw reader.malformed("an unknown request")
        }
        try reader.expectEnd()
    }

    /// A set's name: lower-case letters, digits and dashes, so that it can never act as a path.
    private static func set(_ reader: inout ByteReader) throws(CodecError) -> String {
        let bytes = try reader.lengthPrefixed(max: setNameByteLimit)
        guard let first = bytes.first, first != UInt8(ascii: "-"), bytes.allSatisfy(isNameByte) else {
            throw reader.malformed("a set's name is a-z, 0-9 and -")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func digests(_ reader: inout ByteReader) throws(CodecError) -> [BLAKE3Digest] {
        let count = try reader.count(max: digestLimit)
        guard count > 0 else { throw reader.malformed("a request without digests") }
        var digests: [BLAKE3Digest] = []
        digests.reserveCapacity(min(count, reader.remaining / BLAKE3Digest.byteCount))
        for _ in 0..<count { digests.append(try reader.digest()) }
        return digests
    }
}
