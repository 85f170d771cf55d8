import Content
import Database
import LinuxIO
import Synchronization
import Trust

extension Activation {
    /// The name of the tree while no reader knows it.
    var partialName: String { "\(document.sequence)\(StoreLayout.partialSuffix)" }

    /// Makes the tree under its partial name: from a tree that nobody can be in, by what differs, or from scratch.
    func linkTree() throws {
        let trees = try SetTrees(store, set: set.number, name: name)
        try trees.discard(Array(partialName.utf8))
        let top = try editedTree(trees, partialName) ?? linkedTree(trees, partialName)
        try store.takeOutYanked(of: name, from: top)
        try top.setModified(FileTime(seconds: document.topModified))
    }

    private func linkedTree(_ trees: SetTrees, _ partial: String) throws -> Folder {
        let top = try trees.folder.makeFolder(partial, mode: 0o755)
        var copies = VariantMaker(store: store, set: name, staging: staging)
        try withCopies(&copies, root: top) { tree in
            try withClosedNodes { try tree.link(root, source: $0) }
        }
        return top
    }

    /// The spare, or else the newest tree that has been out of service for long enough, edited; nil if there is none, or
    /// it cannot be edited into this release.
    private func editedTree(_ trees: SetTrees, _ partial: String) throws -> Folder? {
        guard !set.isDamaged else { return nil }
        let spent = try trees.spent(policy, next: document.sequence)
        let candidates =
            trees.spares.map { (name: "\($0)\(StoreLayout.spareSuffix)", sequence: $0) }
            + spent.reversed().map { (name: "\($0)", sequence: $0) }
        guard let old = candidates.first(where: { trees.isSound($0.name) }),
            let from = try store.database.read({ try $0.release(set.number, old.sequence)?.root })
        else { return nil }
        // No name of a whole tree may stand for one that is half edited, also after a power cut.
        try trees.folder.rename(old.name, to: partial, .noReplace)
        try trees.folder.sync()
        do {
            let top = try trees.folder.subfolder(partial)
            var copies = VariantMaker(store: store, set: name, staging: staging)
            try withCopies(&copies, root: top) { tree in
                try tree.edit(from: from, to: root, known: changes, source: source)
            }
            return top
        } catch {
            // Somebody changed that tree, or nodes of its release were collected: it is of no use. What is wrong with
            // this release, or with the disk, shows when its tree is linked from scratch.
            try trees.discard(Array(partial.utf8))
            return nil
        }
    }

    /// Runs `body` with a writer of the tree at `root`, whose further inodes are recorded at the end.
    private func withCopies(
        _ copies: inout VariantMaker, root: Folder, _ body: (inout ServedTree) throws -> Void
    ) throws {
        let made = Mutex<[BlobVariant]>([])
        let (maker, blobs) = (copies, store.blobs)
        var tree = ServedTree(root: root, blobs: blobs, scratch: staging.folder) { variant in
            try made.withLock { made in
                guard try blobs.stat(variant) == nil else { return }
                try maker.makeNow(variant)
                made.append(variant)
            }
        }
        try body(&tree)
        try copies.record(made.withLock { $0 })
    }

    /// Compares the trees of the set with their manifests, and puts right what differs.
    func repairTrees() throws {
        let folder = try store.releases.subfolder(name)
        let yanks = try store.yanks(of: name)
        for sequence in try SetTrees(store, set: set.number, name: name).sequences {
            guard let record = try store.database.read({ try $0.release(set.number, sequence) }) else { continue }
            var copies = VariantMaker(store: store, set: name, staging: staging)
            let top = try folder.subfolder("\(sequence)")
            try withCopies(&copies, root: top) { tree in
                try ManifestTree.forEachEntry(root: record.root, source: source) { entry in
                    guard yanks?.covers(entry.path) != true,
                        try tree.fault(entry) != nil || !tree.isLinked(entry)
                    else { return true }
                    // An older release may name a blob that is gone; only this one was proved complete.
                    if sequence != document.sequence, let variant = BlobVariant(entry),
                        try store.blobs.fault(variant, size: entry.size) != nil
                    {
                        return true
                    }
                    try tree.repair(entry)
                    return true
                }
                try tree.finish()
            }
            // The top has no entry of its own: its time stands in the release, and a repair in it has changed it.
            guard let document = try store.releaseDocument(set: name, sequence: sequence) else { continue }
            try top.setModified(FileTime(seconds: try ReleaseDocument(decoding: document).topModified))
        }
    }

    /// The flip: a new link is renamed over the old one.
    func renameLink() throws {
        let target = "\(StoreLayout.releasesFolder)/\(name)/\(document.sequence)"
        let current = Array(name.utf8)
        let there = try store.data.stat(current)?.type
        if there == .directory { return try store.swapAdopted(self.set, for: Array(target.utf8)) }
        if try there != .symlink || store.data.readLink(current) != Array(target.utf8) {
            try staging.folder.unlinkIfPresent(StoreLayout.newLink)
            try staging.folder.makeSymlink(target, at: StoreLayout.newLink)
            try staging.folder.rename(StoreLayout.newLink, in: store.data, to: name)
        }
    }
}
