import Content
import LinuxIO
import Retention
import Synchronization

extension Store {
    /// Drops what no kept release, unfinished fetch, running session or reader needs: blobs, inodes of blobs, manifest
    /// nodes, chunk lists, changesets, and what is known of releases beyond those that are kept.
    ///
    /// May run beside everything else, and be killed at any point: what is left is removed by the next one. Beside it
    /// sessions begin at most one batch later. One runs at a time.
    ///
    /// - Throws: `busy` if one runs already, `cannotCollect` if a manifest that stays is damaged (nothing is removed
    ///   then), and what the disk says.
    package func collect(_ options: CollectionOptions = CollectionOptions()) throws -> CollectionOutcome {
        let isFree = gate.isRunning.withLock { isRunning in
            defer { isRunning = true }
            return !isRunning
        }
        guard isFree else { throw StoreError.collecting }
        defer { gate.isRunning.withLock { $0 = false } }
        if !options.dryRun { try removeNotedFiles(staging.subfolder(".")) }
        var total = CollectionOutcome()
        // A pass that was disturbed begins again; one that keeps being disturbed is tried later.
        for _ in 0..<4 {
            var collector = try Collector(self, options)
            defer { gate.machine.withLock { $0.abandon() } }
            do {
                let outcome = try collector.run()
                total.add(outcome)
                total.isComplete = true
                return total
            } catch Collector.Interruption.disturbed {
                total.add(collector.outcome)
            } catch Collector.Interruption.outOfPatience(let sets) {
                total.add(collector.outcome)
                total.waitedFor = sets
                return total
            }
        }
        return total
    }
}

extension Store {
    /// How many releases a collection would take the content of; reads nothing but the table of releases and the names
    /// of trees.
    /// - Throws: `DatabaseError` if the database cannot be read.
    package func releasesToCollect(keepsOnlyServed: Bool = false) throws -> Int {
        try CollectionScope(self, keepsOnlyServed: keepsOnlyServed).retired.count
    }
}

extension CollectionOutcome {
    /// Adds what another pass removed.
    mutating func add(_ other: CollectionOutcome) {
        releases += other.releases
        blobs += other.blobs
        files += other.files
        bytes += other.bytes
        nodes += other.nodes
        chunkLists += other.chunkLists
        changesets += other.changesets
        litterFiles += other.litterFiles
        litterBytes += other.litterBytes
    }
}
