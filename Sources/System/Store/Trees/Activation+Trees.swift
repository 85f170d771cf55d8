import Content
import Database
import LinuxIO

extension Activation {
    /// Makes the tree under a name that no reader knows, makes it durable, and gives it its final name: from a tree that
    /// nobody can be in, by what differs, or linked from scratch.
    func makeTree() throws {
        store.note(.treeLink, name)
        let trees = try SetTrees(store, set: set.number, name: name)
        let partial = "\(document.sequence)\(StoreLayout.partialSuffix)"
        try trees.discard(Array(partial.utf8))
        let top = try editedTree(trees, partial) ?? linkedTree(trees, partial)
        try top.setModified(FileTime(seconds: document.topModified))
        store.note(.treeSync, name)
        try staging.durability.syncFileSystem()
        store.note(.treeRename, name)
        try trees.folder.rename(partial, to: "\(document.sequence)", .noReplace)
        try trees.folder.sync()
    }

    private func linkedTree(_ trees: SetTrees, _ partial: String) throws -> Folder {
        let top = try trees.folder.makeFolder(partial, mode: 0o755)
        var copies = VariantMaker(store: store, set: name, staging: staging)
        try withCopies(&copies, root: top) { tree in
            try withClosedNodes {
                try ManifestTree.forEachEntry(root: root, source: $0) { entry in
                    try tree.add(entry)
                    return true
                }
            }
            try tree.finish()
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
                try tree.edit(from: from, to: root, source: source)
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
        var made: [BlobVariant] = []
        let maker = copies
        var tree = ServedTree(root: root, blobs: store.blobs, scratch: staging.folder) { variant in
            try maker.makeNow(variant)
            made.append(variant)
        }
        try body(&tree)
        try copies.record(made)
    }

    /// Compares the trees of the set with their manifests, and puts right what differs.
    func repairTrees() throws {
        store.note(.treeLink, name)
        let folder = try store.releases.subfolder(name)
        for sequence in try SetTrees(store, set: set.number, name: name).sequences {
            guard let record = try store.database.read({ try $0.release(set.number, sequence) }) else { continue }
            var copies = VariantMaker(store: store, set: name, staging: staging)
            try withCopies(&copies, root: try folder.subfolder("\(sequence)")) { tree in
                try ManifestTree.forEachEntry(root: record.root, source: source) { entry in
                    guard try tree.fault(entry) != nil || !tree.isLinked(entry) else { return true }
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
        }
        store.note(.treeSync, name)
        try staging.durability.syncFileSystem()
    }

    func flip() throws {
        let target = "\(StoreLayout.releasesFolder)/\(name)/\(document.sequence)"
        store.note(.flip, name)
        let current = Array(name.utf8)
        if try store.data.stat(current)?.type != .symlink || store.data.readLink(current) != Array(target.utf8) {
            try staging.folder.unlinkIfPresent(StoreLayout.newLink)
            try staging.folder.makeSymlink(target, at: StoreLayout.newLink)
            try staging.folder.rename(StoreLayout.newLink, in: store.data, to: name)
        }
        store.note(.flipSync, name)
        try store.data.sync()
    }
}
