import Content
import TestSupport
import Testing
import Trust

@Suite struct RemovalLimitsTests {
    private func tree(files: UInt64, bytes: UInt64) -> ManifestRoot {
        ManifestRoot(
            digest: ManifestTree.emptyRoot.digest, height: 1, entries: files, files: files, bytes: bytes)
    }

    private func document(_ sequence: UInt64, _ tree: ManifestRoot, confirmedAt: UInt64? = nil) throws
        -> ReleaseDocument
    {
        try ReleaseDocument(
            fleet: "lab", set: "debian", sequence: sequence, publishedAt: 1, manifest: tree, predecessor: .newStart,
            changeset: nil, chunkProfile: 1, chunkLog: ChunkLog(epoch: 1).head,
            extensions: confirmedAt.map { [.removalConfirmed(at: $0)] } ?? [])
    }

    @Test func `exactly the limit is allowed, one more is not`() {
        let limits = RemovalLimits(maxDelete: 20, maxShrink: 30)
        let held = tree(files: 100, bytes: 1_000)
        func excess(_ files: UInt64, _ bytes: UInt64, next: ManifestRoot? = nil) -> String? {
            limits.excess(
                from: held, to: next ?? held, removed: RemovedContent(files: files, bytes: bytes)
            ).map { "\($0)" }
        }
        #expect(excess(20, 200) == nil)
        #expect(excess(21, 200) == "removes 21 of 100 files (21 %), max_delete is 20 %")
        #expect(excess(20, 201) == "removes 201 of 1000 bytes (20.1 %), max_delete is 20 %")
        #expect(excess(0, 0, next: tree(files: 70, bytes: 700)) == nil)
        #expect(
            excess(0, 0, next: tree(files: 69, bytes: 700))
                == "has 31 of 100 files less (31 %), max_shrink is 30 %")
        #expect(
            excess(0, 0, next: tree(files: 100, bytes: 0)) == "has 1000 of 1000 bytes less (100 %), max_shrink is 30 %")
    }

    @Test func `one of three files is more than a fifth, and a set that grows removes nothing`() {
        let limits = RemovalLimits.standard
        let held = tree(files: 3, bytes: 3)
        #expect(limits.excess(from: held, to: held, removed: RemovedContent(files: 1, bytes: 0)) != nil)
        #expect(limits.excess(from: held, to: tree(files: 9, bytes: 9), removed: RemovedContent.none) == nil)
        #expect(limits.excess(from: tree(files: 0, bytes: 0), to: held, removed: RemovedContent.none) == nil)
    }

    @Test func `limits of nothing and of all`() {
        let held = tree(files: 10, bytes: .max)
        let (none, all) = (RemovalLimits(maxDelete: 0, maxShrink: 0), RemovalLimits(maxDelete: 100, maxShrink: 999))
        let removed = RemovedContent(files: 1, bytes: 1)
        #expect(none.excess(from: held, to: held, removed: removed) != nil)
        #expect(none.excess(from: held, to: held, removed: RemovedContent.none, releases: 1_000) == nil)
        #expect(none.excess(from: held, to: held, removed: removed, releases: 1_000) != nil)
        let everything = RemovedContent(files: 10, bytes: .max)
        #expect(all.excess(from: held, to: tree(files: 0, bytes: 0), removed: everything) == nil)
    }

    @Test func `who is behind allows what the releases between might have taken, one by one`() {
        var random = SplitMix64(test: "removal limits", fallback: 3)
        for _ in 0..<2_000 {
            let limits = RemovalLimits(
                maxDelete: Int.random(in: 0...100, using: &random), maxShrink: Int.random(in: 0...100, using: &random))
            var held = UInt64.random(in: 0...1_000_000, using: &random)
            let first = tree(files: held, bytes: 0)
            let releases = UInt64.random(in: 1...9, using: &random)
            for _ in 0..<releases {
                // The most that one release may take: the largest number that the limit does not refuse.
                let most = min(limits.maxDelete, limits.maxShrink)
                let taken = held * UInt64(most) / 100
                let (before, after) = (tree(files: held, bytes: 0), tree(files: held - taken, bytes: 0))
                let removed = RemovedContent(files: taken, bytes: 0)
                #expect(limits.excess(from: before, to: after, removed: removed) == nil)
                if taken < held, most < 100, limits.maxDelete == most {
                    let more = RemovedContent(files: taken + 1, bytes: 0)
                    #expect(limits.excess(from: before, to: before, removed: more) != nil)
                }
                held -= taken
            }
            let all = RemovedContent(files: first.files - held, bytes: 0)
            #expect(
                limits.excess(from: first, to: tree(files: held, bytes: 0), removed: all, releases: releases) == nil)
        }
    }

    @Test func `a confirmation counts for hosts below it, and not for those that have it already`() throws {
        let (full, empty) = (tree(files: 100, bytes: 100), tree(files: 0, bytes: 0))
        let limits = RemovalLimits.standard
        let all = RemovedContent(files: 100, bytes: 100)
        #expect(limits.excess(from: full, at: 6, to: try document(7, empty, confirmedAt: 7), removed: all) == nil)
        // A release after it, for a host that missed it.
        #expect(limits.excess(from: full, at: 6, to: try document(9, empty, confirmedAt: 7), removed: all) == nil)
        #expect(limits.excess(from: full, at: 7, to: try document(9, empty, confirmedAt: 7), removed: all) != nil)
        #expect(limits.excess(from: full, at: 8, to: try document(9, empty), removed: all) != nil)
        // Of a release to come nobody can have confirmed anything.
        #expect(limits.excess(from: full, at: 8, to: try document(9, empty, confirmedAt: 10), removed: all) != nil)
    }

    @Test func `without the head's manifest the signed totals count`() throws {
        let (full, less) = (tree(files: 100, bytes: 100), tree(files: 79, bytes: 100))
        #expect(RemovalLimits.standard.excess(from: full, at: 1, to: try document(2, less), removed: nil) != nil)
        #expect(RemovalLimits.standard.excess(from: full, at: 1, to: try document(2, full), removed: nil) == nil)
    }
}
