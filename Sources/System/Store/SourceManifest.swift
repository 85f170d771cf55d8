package import Content
package import FleetModel
package import Hashing
import LinuxIO

/// What of a set's policy the manifest of a source depends on, beside the tree itself.
package struct SourceRules: Hashable, Sendable {
    package let profile: ChunkProfile
    /// Digests taken beside BLAKE3.
    package let digests: [HashAlgorithm]
    /// Symlinks that leave the set are taken as they are.
    package let allowsEscapingLinks: Bool

    /// The rules of a set. Throws `UnknownSourceRule` for a name that this program does not know.
    package init(_ policy: SetPolicy) throws(UnknownSourceRule) {
        guard let profile = ChunkProfile(name: policy.chunkProfile) else {
            throw UnknownSourceRule(description: "chunk profile \"\(policy.chunkProfile)\"")
        }
        self.profile = profile
        digests = try Self.algorithms(policy.digests)
        allowsEscapingLinks = policy.allowEscapingLinks
    }

    /// The rules by which the tree of `release` was read; names of `digests` are not in its document. Throws
    /// `UnknownSourceRule` for what this program does not know.
    package init(of release: ReleaseDocument, digests: [String]) throws(UnknownSourceRule) {
        guard let profile = ChunkProfile(identifier: release.chunkProfile) else {
            throw UnknownSourceRule(description: "chunk profile number \(release.chunkProfile)")
        }
        self.profile = profile
        self.digests = try Self.algorithms(digests)
        allowsEscapingLinks = release.allowsEscapingLinks
    }

    private static func algorithms(_ names: [String]) throws(UnknownSourceRule) -> [HashAlgorithm] {
        var algorithms: [HashAlgorithm] = []
        for name in names {
            guard let algorithm = HashAlgorithm(name: name) else {
                throw UnknownSourceRule(description: "digest \"\(name)\"")
            }
            algorithms.append(algorithm)
        }
        return algorithms
    }
}

/// A chunk profile or digest that this program does not know, by its name.
package struct UnknownSourceRule: Error, CustomStringConvertible {
    package let description: String
}

/// The manifest of a source tree, made by reading all of it: no store is asked, and nothing is stored. The same tree
/// gives the same root as a publish of it does.
package struct SourceManifest: Sendable {
    package let root: ManifestRoot
    /// Modification time of the top of the source, in Unix seconds.
    package let topModified: Int64
    /// The nodes of the manifest; nil if they were too many to keep.
    private let nodes: [NodeDigest: [UInt8]]?

    /// Nodes are kept up to this, which is enough for about half a million entries.
    private static let keptByteCount = 64 << 20

    /// Reads the tree at `path`, an absolute path or one relative to the working directory.
    ///
    /// Throws what the tree has that a release cannot hold, `changedWhileRead`, what the disk says, and what `progress`
    /// throws, which is called after each part of the tree.
    package init(
        reading path: String, _ rules: SourceRules, progress: (IngestProgress) throws -> Void = { _ in }
    ) throws {
        let top = try Folder.openSource(path)
        let kept = NodeKeeper(limit: Self.keptByteCount)
        var reading = Reading(rules, kept)
        try SourceWalk(top: top).runAhead { item in
            try reading.take(item, progress)
            if reading.isFull {
                try reading.settle()
                try progress(reading.progress)
            }
        }
        root = try reading.finish(top, progress)
        topModified = try top.attributes().modified.seconds
        nodes = kept.nodes
    }

    /// A node of the manifest that was read here; nil if there is none of this digest, or it was not kept.
    package func node(_ digest: NodeDigest) -> [UInt8]? { nodes?[digest] }

    /// Whether `node` knows all nodes.
    package var hasNodes: Bool { nodes != nil }

    private final class NodeKeeper {
        private(set) var nodes: [NodeDigest: [UInt8]]? = [:]
        private var room: Int

        init(limit: Int) { room = limit }

        func keep(_ digest: NodeDigest, _ bytes: [UInt8]) {
            room -= bytes.count
            if room < 0 { nodes = nil }
            nodes?[digest] = bytes
        }
    }

    /// Entries in order, some of which wait for their file to be read.
    private struct Reading {
        private enum Pending {
            case entry(ManifestEntry)
            /// The index of a file to read.
            case file(Int)
        }

        private let reader: SourceReader
        private var builder: ManifestBuilder
        private var rules: TreeRules
        private var pending: [Pending] = []
        private var files: [SourceItem] = []
        private var waitingBytes: UInt64 = 0
        private var folders = 0
        private var lastFolder: Folder?
        private(set) var progress = IngestProgress()

        init(_ rules: SourceRules, _ kept: NodeKeeper) {
            reader = SourceReader(profile: rules.profile, digests: rules.digests)
            builder = ManifestBuilder { kept.keep($0, $1) }
            self.rules = TreeRules(allowsEscapingLinks: rules.allowsEscapingLinks)
        }

        /// Bounds what waits: bytes for the pace of the progress, folders because each holds a descriptor.
        var isFull: Bool {
            waitingBytes >= 64 << 20 || files.count >= 4096 || folders >= 128 || pending.count >= 16_384
        }

        mutating func take(_ item: SourceItem, _ tell: (IngestProgress) throws -> Void) throws {
            progress.entries += 1
            if let entry = try ManifestEntry(unread: item) {
                pending.append(.entry(entry))
                return
            }
            progress.files += 1
            progress.readFiles += 1
            if item.attributes.size > UInt64(SourceReader.wholeLimit) {
                // Everything before it comes first; then it has all threads to itself.
                try settle()
                let (file, attributes) = try reader.openLong(item)
                let content = try reader.readLong(item, file, attributes) { [progress] done in
                    var now = progress
                    now.bytes += done
                    try tell(now)
                }
                try append(item, content)
                progress.bytes += item.attributes.size
            } else {
                pending.append(.file(files.count))
                files.append(item)
                waitingBytes += item.attributes.size
                progress.bytes += item.attributes.size
                if lastFolder !== item.folder {
                    lastFolder = item.folder
                    folders += 1
                }
            }
            progress.readBytes = progress.bytes
        }

        /// Reads the files that wait, several at a time, and takes what waited.
        mutating func settle() throws {
            let contents = try SourceReader.readAll(files) { [reader] item, buffer in
                try reader.readWhole(item, buffer) { _, _, content in content }
            }
            for waiting in pending {
                switch waiting {
                case .entry(let entry): try append(entry)
                case .file(let index):
                    guard let content = contents[index] else {
                        throw StoreError.changedWhileRead(path: files[index].path)
                    }
                    try append(files[index], content)
                }
            }
            pending.removeAll(keepingCapacity: true)
            files.removeAll(keepingCapacity: true)
            (waitingBytes, folders, lastFolder) = (0, 0, nil)
        }

        mutating func finish(_ top: Folder, _ tell: (IngestProgress) throws -> Void) throws -> ManifestRoot {
            try settle()
            try rules.finish(source: top)
            progress.phase = "manifest"
            try tell(progress)
            return try builder.finish()
        }

        private mutating func append(_ item: SourceItem, _ content: SourceContent) throws {
            try append(
                ManifestEntry(
                    file: item.path, content.attributes, content.blob, content.list?.digest, content.further))
        }

        private mutating func append(_ entry: ManifestEntry) throws {
            try rules.check(source: entry)
            try builder.append(entry)
        }
    }
}
