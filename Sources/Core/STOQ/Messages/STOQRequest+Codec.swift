package import Content
import Hashing

/// Why a message is no request.
package enum STOQRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A kind of request that this version does not know.
    case unknown(tag: UInt8)
    /// Bytes that are no request.
    case malformed(CodecError)

    /// The code to refuse it with.
    package var code: STOQErrorCode {
        switch self {
        case .unknown: .unsupported
        case .malformed: .malformed
        }
    }

    package var description: String {
        switch self {
        case .unknown(let tag): "a request of the unknown kind \(tag)"
        case .malformed(let error): "the request is not valid: \(error)"
        }
    }
}

extension STOQRequest {
    private enum Tag: UInt8 {
        case release = 1
        case changeset = 2
        case nodes = 3
        case chunkLists = 4
        case chunks = 5
        case command = 6
        case packedTree = 7
        case metadata = 8
        case yanks = 9
        case chunkLog = 10
        case swarm = 11
        case standings = 24
        case receipts = 25
        case ownCommand = 32
    }

    /// A byte that says what is asked for, the set, then what belongs to it.
    /// More digests than ``digestLimit``, none at all, a command or versions above their limit or a set whose name is no plain
    /// name are a programmer's error.
    package func encode() -> [UInt8] {
        switch self {
        case .release(let set, let sequence):
            var writer = Self.writer(.release, set: set)
            writer.u8(sequence == nil ? 0 : 1)
            if let sequence { writer.varint(sequence) }
            return writer.bytes
        case .changeset(let set, let digest):
            var writer = Self.writer(.changeset, set: set)
            writer.digest(digest.raw)
            return writer.bytes
        case .nodes(let set, let digests): return Self.encode(.nodes, set: set, digests.map(\.raw))
        case .chunkLists(let set, let digests): return Self.encode(.chunkLists, set: set, digests.map(\.raw))
        case .chunks(let set, let digests): return Self.encode(.chunks, set: set, digests.map(\.raw))
        case .packedTree(let set, let root):
            var writer = Self.writer(.packedTree, set: set)
            writer.digest(root.raw)
            return writer.bytes
        case .yanks(let set): return Self.writer(.yanks, set: set, digests: 0).bytes
        case .chunkLog(let set, let from, let size):
            precondition(from <= size, "a log of \(size) entries from \(from) on")
            var writer = Self.writer(.chunkLog, set: set, digests: 0)
            writer.varint(from)
            writer.varint(size - from)
            return writer.bytes
        case .swarm(let set, let release):
            var writer = Self.writer(.swarm, set: set)
            writer.digest(release.raw)
            return writer.bytes
        case .receipts(let set, let release):
            var writer = Self.writer(.receipts, set: set)
            writer.digest(release.raw)
            return writer.bytes
        case .metadata(let versions):
            precondition(versions.count <= Self.versionsLimit, "versions of \(versions.count) bytes")
            return [Tag.metadata.rawValue] + versions
        case .standings: return [Tag.standings.rawValue]
        case .command(let bytes): return Self.encode(.command, bytes)
        case .ownCommand(let bytes): return Self.encode(.ownCommand, bytes)
        }
    }

    /// Reads a request. Throws ``STOQRequestError``.
    package init(decoding bytes: [UInt8]) throws(STOQRequestError) {
        do {
            self = try Self.decode(bytes)
        } catch let error as CodecError {
            throw .malformed(error)
        } catch let error as STOQRequestError {
            throw error
        } catch {
            throw .unknown(tag: 0)
        }
    }

    private static func decode(_ bytes: [UInt8]) throws -> STOQRequest {
        var reader = ByteReader(bytes)
        let code = try reader.u8()
        guard let tag = Tag(rawValue: code) else { throw STOQRequestError.unknown(tag: code) }
        if tag == .command { return .command(try rest(&reader, limit: commandLimit)) }
        if tag == .ownCommand { return .ownCommand(try rest(&reader, limit: commandLimit)) }
        if tag == .metadata { return .metadata(versions: try rest(&reader, limit: versionsLimit)) }
        if tag == .standings {
            try reader.expectEnd()
            return .standings
        }
        let set = try reader.plainName()
        let request: STOQRequest
        switch tag {
        case .release:
            switch try reader.u8() {
            case 0: request = .release(set: set, sequence: nil)
            case 1: request = .release(set: set, sequence: try reader.varint())
            default: throw reader.malformed("neither the head nor a sequence is asked for")
            }
        case .changeset: request = .changeset(set: set, ChangesetDigest(try reader.digest()))
        case .nodes: request = .nodes(set: set, try digests(&reader).map { NodeDigest($0) })
        case .chunkLists: request = .chunkLists(set: set, try digests(&reader).map { ChunkListDigest($0) })
        case .chunks: request = .chunks(set: set, try digests(&reader).map { ChunkDigest($0) })
        case .packedTree: request = .packedTree(set: set, NodeDigest(try reader.digest()))
        case .yanks: request = .yanks(set: set)
        case .chunkLog:
            let from = try reader.varint(max: ChunkLogHead.maximumSize)
            request = .chunkLog(
                set: set, from: from, size: from + (try reader.varint(max: ChunkLogHead.maximumSize - from)))
        case .swarm: request = .swarm(set: set, ReleaseDigest(try reader.digest()))
        case .receipts: request = .receipts(set: set, ReleaseDigest(try reader.digest()))
        case .metadata, .standings, .command, .ownCommand: preconditionFailure("a request without a set")
        }
        try reader.expectEnd()
        return request
    }

    /// What belongs to a request without a set: all that is left.
    private static func rest(_ reader: inout ByteReader, limit: Int) throws(CodecError) -> [UInt8] {
        guard reader.remaining <= limit else {
            throw .valueTooLarge(offset: 1, value: UInt64(reader.remaining), limit: UInt64(limit))
        }
        return try reader.raw(reader.remaining)
    }

    private static func writer(_ tag: Tag, set: String, digests: Int = 1) -> ByteWriter {
        precondition(PlainName.accepts(set), "a set named \(set)")
        var writer = ByteWriter(capacity: 80 + digests * BLAKE3Digest.byteCount)
        writer.u8(tag.rawValue)
        writer.lengthPrefixed(Array(set.utf8))
        return writer
    }

    private static func encode(_ tag: Tag, _ command: [UInt8]) -> [UInt8] {
        precondition(command.count <= commandLimit, "a command of \(command.count) bytes")
        return [tag.rawValue] + command
    }

    private static func encode(_ tag: Tag, set: String, _ digests: [BLAKE3Digest]) -> [UInt8] {
        precondition((1...digestLimit).contains(digests.count), "a request for \(digests.count) digests")
        var writer = writer(tag, set: set, digests: digests.count)
        writer.varint(UInt64(digests.count))
        for digest in digests {
            writer.digest(digest)
        }
        return writer.bytes
    }

    private static func digests(_ reader: inout ByteReader) throws(CodecError) -> [BLAKE3Digest] {
        let count = try reader.count(max: digestLimit)
        guard count > 0 else { throw reader.malformed("a request for nothing") }
        guard reader.remaining == count * BLAKE3Digest.byteCount else {
            throw reader.malformed("\(reader.remaining) bytes for \(count) digests")
        }
        var digests: [BLAKE3Digest] = []
        digests.reserveCapacity(count)
        for _ in 0..<count {
            digests.append(try reader.digest())
        }
        return digests
    }
}
