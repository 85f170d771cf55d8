package import Content
package import UpdateFramework

/// The paths of a set that nobody may serve any more, whatever a release says: a target of the set's role, so that only its
/// publishers can add to it or take from it. docs/formats/yank-list.md states the form.
package struct YankList: Hashable, Sendable {
    /// One yanked path.
    package struct Entry: Hashable, Sendable {
        /// A file or link, or a directory with all below it.
        package let path: RelativePath
        /// Why, as UTF-8; shown escaped.
        package let reason: [UInt8]
        /// When, in seconds since 1970 by the publisher's clock.
        package let yankedAt: Int64

        /// An entry; of the reason no more than the limit is kept.
        package init(path: RelativePath, reason: String, yankedAt: Int64) {
            self.path = path
            self.reason = Array(reason.utf8.prefix(YankList.reasonByteCount))
            self.yankedAt = yankedAt
        }

        fileprivate init(path: RelativePath, reason: [UInt8], yankedAt: Int64) {
            self.path = path
            self.reason = reason
            self.yankedAt = yankedAt
        }
    }

    /// The version this program writes and reads.
    package static let formatVersion: UInt8 = 1
    /// The most paths.
    package static let limit = 4_096
    /// The most bytes of a reason.
    package static let reasonByteCount = 512
    /// The most bytes of a list.
    package static let maximumByteCount = 20 << 20
    /// "MFYL": tells a person who finds the file, and this program, what it is.
    private static let mark: [UInt8] = [0x4D, 0x46, 0x59, 0x4C]

    /// The fleet.
    package let fleet: String
    /// The set.
    package let set: String
    /// Ascending by path, each once.
    package private(set) var entries: [Entry]

    /// A list without entries.
    package init(fleet: String, set: String) {
        self.fleet = fleet
        self.set = set
        entries = []
    }

    /// Adds an entry, in place of one with the same path. False if there are too many.
    package mutating func add(_ entry: Entry) -> Bool {
        entries.removeAll { $0.path == entry.path }
        guard entries.count < Self.limit else { return false }
        entries.append(entry)
        entries.sort { $0.path < $1.path }
        return true
    }

    /// Takes an entry away; false if there is none with that path.
    package mutating func remove(_ path: RelativePath) -> Bool {
        let count = entries.count
        entries.removeAll { $0.path == path }
        return entries.count < count
    }

    /// What is new here, or other than in `old`, and what of `old` is here no more; both ascending by path.
    package func changes(from old: [Entry]) -> (added: [Entry], removed: [Entry]) {
        let held = Set(old)
        return (entries.filter { !held.contains($0) }, old.filter { !holds($0.path) })
    }

    /// Whether `path` is yanked, itself or with a directory above it.
    package func covers(_ path: RelativePath) -> Bool {
        guard !entries.isEmpty else { return false }
        var place: RelativePath? = path
        while let current = place {
            if holds(current) { return true }
            place = current.parent
        }
        return false
    }

    private func holds(_ path: RelativePath) -> Bool {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].path < path { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].path == path
    }

    /// The canonical bytes.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + entries.count * 128)
        writer.bytes(Self.mark)
        writer.u8(Self.formatVersion)
        writer.lengthPrefixed(Array(fleet.utf8))
        writer.lengthPrefixed(Array(set.utf8))
        writer.varint(UInt64(entries.count))
        for entry in entries {
            writer.lengthPrefixed(entry.path.bytes)
            writer.i64(entry.yankedAt)
            writer.lengthPrefixed(entry.reason)
        }
        return writer.bytes
    }

    /// Reads the canonical form; any other bytes are refused. Throws `CodecError`.
    package init(decoding bytes: [UInt8]) throws(CodecError) {
        var reader = ByteReader(bytes)
        guard try reader.raw(Self.mark.count) == Self.mark else {
            throw reader.malformed("this is no list of yanked paths")
        }
        let version = try reader.u8()
        guard version == Self.formatVersion else { throw reader.malformed("format version \(version) of a yank list") }
        fleet = try Self.name(&reader)
        set = try Self.name(&reader)
        var entries: [Entry] = []
        for _ in 0..<(try reader.count(max: Self.limit)) {
            let path: RelativePath
            do {
                path = try RelativePath(reader.lengthPrefixed(max: RelativePath.maximumByteCount))
            } catch let error as CodecError {
                throw error
            } catch {
                throw reader.malformed("a path that is none: \(error)")
            }
            if let last = entries.last, !(last.path < path) { throw reader.malformed("paths are not in order") }
            let yankedAt = try reader.i64()
            let reason = try reader.lengthPrefixed(max: Self.reasonByteCount)
            entries.append(Entry(path: path, reason: reason, yankedAt: yankedAt))
        }
        try reader.expectEnd()
        self.entries = entries
    }

    private static func name(_ reader: inout ByteReader) throws(CodecError) -> String {
        let bytes = try reader.lengthPrefixed(max: PlainName.maximumByteCount)
        guard PlainName.accepts(bytes) else { throw reader.malformed("a name that is not \(PlainName.rule)") }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A list of yanked paths that the role of its set names. Only ``VerifiedRepository/verify(yanked:ofSet:)`` makes one.
package struct VerifiedYankList: Sendable {
    /// What it says.
    package let list: YankList
    /// Its bytes, to be stored and passed on.
    package let bytes: [UInt8]

    fileprivate init(list: YankList, bytes: [UInt8]) {
        self.list = list
        self.bytes = bytes
    }
}

extension VerifiedRepository {
    /// What the role of `set` says of its list of yanked paths; nil if nothing was ever yanked, or it says nothing now.
    package func yankTarget(ofSet set: String) -> VerifiedTarget? {
        (try? target(FleetRoles.yanked(ofSet: set), ofSet: set)) ?? nil
    }

    /// Believes `bytes` if they are the list of yanked paths that the role of `set` names. Throws ``TrustError``.
    package func verify(yanked bytes: [UInt8], ofSet set: String) throws(TrustError) -> VerifiedYankList {
        guard let target = yankTarget(ofSet: set) else { throw .notYanked(set) }
        let list: YankList
        do {
            list = try YankList(decoding: target.verify(bytes).bytes)
        } catch let error as UpdateError {
            throw .metadata(error)
        } catch {
            throw .badYankList(set, reason: "\(error)")
        }
        guard list.set == set else { throw .otherSet(expected: set, found: list.set) }
        return VerifiedYankList(list: list, bytes: bytes)
    }
}
