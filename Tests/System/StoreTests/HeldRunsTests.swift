import Content
import LinuxIO
import Store
import TestSupport
import Testing

@Suite("Runs of held chunks that are taken over by whole pieces")
struct HeldRunsTests {
    /// What a round does to the image that the mirror holds.
    private enum Harm: CaseIterable {
        case none, oneByte, someBytes, end
    }

    @Test("Whatever changed, has rotted or is gone, and in whatever order chunks come: the tree is right")
    func anyOrder() throws {
        var random = SplitMix64(test: "held runs", fallback: 5)
        for round in 0..<16 {
            let harm = Harm.allCases[round % Harm.allCases.count]
            try play(harm, "round \(round), \(harm)", &random)
        }
    }

    private func play(_ harm: Harm, _ comment: Comment, _ random: inout SplitMix64) throws {
        let fleet = try TestFleet()
        let tree = try fleet.source()
        let old = Bytes.random(.random(in: 5_000_000...9_000_000, using: &random), seed: random.next())
        try tree.write("image", old)
        let (origin, mirror) = (try fleet.store("origin"), try fleet.store("mirror"))
        try fleet.fetch(try #require(try fleet.publish(tree, to: origin)), from: origin, to: mirror)
        try tree.write("image", edited(old, &random), modified: 1_650_000_000)
        let release = try #require(try fleet.publish(tree, to: origin))
        let harmed = try cause(harm, old.count, in: fleet, &random)

        let session = try mirror.beginFetch(release)
        let needs = try #require(try fleet.fill(session, from: origin, chunkLimit: 0, copiesHeld: false).needs)
        var missing = needs.missing.shuffled(using: &random)
        var lost: [ChunkReference] = []
        var isCopied = false
        while !missing.isEmpty || !isCopied {
            if !missing.isEmpty, isCopied || Bool.random(using: &random) {
                #expect(try fleet.supply(Array(missing.suffix(2)), to: session, from: origin).isEmpty, comment)
                missing.removeLast(min(2, missing.count))
            } else if let more = try session.copyHeld(atMost: 600_000) {
                lost += more
                missing += more
                missing.shuffle(using: &random)
            } else {
                isCopied = true
            }
        }
        // What only the digest of the whole tells.
        while let more = try session.copyHeld(atMost: 600_000) {
            lost += more
            #expect(try fleet.supply(more, to: session, from: origin).isEmpty, comment)
        }
        if let harmed { #expect(lost.count <= harmed, comment) }
        #expect(session.progress.chunksMissing == 0, comment)
        #expect(session.progress.bytesDone == session.progress.bytesTotal, comment)
        _ = try session.finish()
        try fleet.expectServed("mirror", tree)
    }

    /// The image with some bytes changed, put in, or left out.
    private func edited(_ old: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = old
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count - 200_000, using: &random)
            let fresh = Bytes.random(.random(in: 1...200_000, using: &random), seed: random.next())
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.replaceSubrange(place..<place + fresh.count, with: fresh)
            case 1: bytes.insert(contentsOf: fresh, at: place)
            default: bytes.removeSubrange(place..<place + fresh.count)
            }
        }
        return bytes
    }

    /// Harms the image that the mirror holds; how many chunks at most are wrong then, nil if that cannot be said.
    private func cause(
        _ harm: Harm, _ size: Int, in fleet: TestFleet, _ random: inout SplitMix64
    ) throws -> Int? {
        let file = try Folder.open(fleet.data("mirror")).openFile(".releases/pool/1/image", writable: true)
        func flip() throws {
            let place = UInt64.random(in: 0..<UInt64(size), using: &random)
            try file.write([try file.read(1, at: place)[0] ^ 1], at: place)
        }
        switch harm {
        case .none: return 0
        case .oneByte: try flip()
        case .someBytes: for _ in 0..<4 { try flip() }
        case .end:
            try file.truncate(to: UInt64.random(in: 0..<UInt64(size), using: &random))
            return nil
        }
        return harm == .oneByte ? 1 : 4
    }
}
