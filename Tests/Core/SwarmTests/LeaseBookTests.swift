import Swarm
import Testing

/// The rules of the lease book, one by one: blocks of one chunk of 256 KiB.
@Suite struct LeaseBookTests {
    private static let blocks: UInt32 = 40

    /// A book, its mirrors in order, and the time.
    private struct Bench {
        var book: LeaseBook
        var now = Duration.zero
        private(set) var granted: [Int: [UInt32]] = [:]

        init(blocks: UInt32 = LeaseBookTests.blocks, change: (inout SwarmLeaseSettings) -> Void = { _ in }) {
            self.init(
                lengths: Array(repeating: UInt32(BlockCut.byteLimit), count: Int(blocks)), change: change)
        }

        init(lengths: [UInt32], change: (inout SwarmLeaseSettings) -> Void) {
            var settings = SwarmLeaseSettings()
            // Six blocks under way at once.
            settings.queueBytes = 6 * BlockCut.byteLimit
            change(&settings)
            book = LeaseBook(cut: BlockCut(base: 0, lengths: lengths), lengths: lengths, settings: settings)
        }

        mutating func join(_ name: String, isNear: Bool = true, have: [UInt32] = []) -> Int {
            book.join(name, isNear: isNear, hello: SwarmHello(complete: 0, have: OrdinalSet(have)), now: now)
        }

        mutating func note(_ grants: [LeaseBook.Grant]) -> [Int: [UInt32]] {
            var new: [Int: [UInt32]] = [:]
            for grant in grants { new[grant.mirror, default: []] += grant.ranges.flatMap { Array($0) } }
            granted.merge(new) { $0 + $1 }
            return new
        }

        mutating func hear(_ message: SwarmMessage, _ mirror: Int) -> [Int: [UInt32]] {
            note(book.heard(message, from: mirror, now: now))
        }

        /// Lets time pass, with a look every 100 ms; what was granted meanwhile.
        mutating func wait(_ seconds: Double) -> [Int: [UInt32]] {
            var new: [Int: [UInt32]] = [:]
            for _ in 0..<Int((seconds * 10).rounded()) {
                now += .milliseconds(100)
                new.merge(note(book.tick(now: now))) { $0 + $1 }
            }
            return new
        }

        mutating func wantAll(_ mirror: Int) -> [Int: [UInt32]] {
            hear(.want(OrdinalSet(0..<LeaseBookTests.blocks)), mirror)
        }
    }

    @Test("nothing is given before it is quiet, then in the order of the log and in turn")
    func begins() {
        var bench = Bench()
        #expect(bench.book.isIdle && bench.book.opensAt == nil)
        let (a, b) = (bench.join("a"), bench.join("b"))
        #expect(bench.book.opensAt == .milliseconds(200))
        #expect(bench.wantAll(a).isEmpty && bench.wantAll(b).isEmpty)
        #expect(bench.wait(0.1).isEmpty)
        #expect(bench.wait(0.1) == [a: [0, 2, 4], b: [1, 3, 5]])
        #expect(bench.wait(0.2).isEmpty)
        #expect(bench.book.leases == 6 && bench.book.leasedBytes == UInt64(6 * BlockCut.byteLimit))
    }

    @Test("of blocks of several sizes each mirror's first is small, and then the largest go first")
    func sizes() {
        // In KiB; none has room for another one beside it.
        let sizes: [UInt32] = [300, 900, 200, 500, 260, 1_000, 280, 600, 400, 240]
        var bench = Bench(lengths: sizes.map { $0 << 10 }) { $0.queueBytes = 64 << 10 }
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b))
        var order = bench.wait(0.2).values.joined().map { sizes[Int($0)] }
        while order.count < sizes.count, let last = order.last, let block = sizes.firstIndex(of: last) {
            let holder = bench.granted[a]?.contains(UInt32(block)) == true ? a : b
            let given = bench.hear(.have([UInt32(block)..<UInt32(block + 1)]), holder)
            guard given.values.joined().count == 1 else { break }
            order += given.values.joined().map { sizes[Int($0)] }
        }
        #expect(order == [200, 240, 1_000, 900, 600, 500, 400, 300, 280, 260])
    }

    @Test("the order of the log counts more than sizes: only the next 64 blocks are compared")
    func lookAhead() {
        var lengths = Array(repeating: UInt32(BlockCut.byteLimit), count: 128)
        lengths[63] += 1
        lengths[66] += 2
        var bench = Bench(lengths: lengths) { $0.queueBytes = 3 * BlockCut.byteLimit }
        let a = bench.join("a")
        _ = bench.hear(.want(OrdinalSet(0..<128)), a)
        // The first has the size of most, and is as small as any. The 67th is never among the next 64.
        #expect(bench.wait(0.2)[a]?.sorted() == [0, 1, 63])
    }

    @Test("of many blocks none goes before its turn")
    func manyBlocks() {
        var lengths = Array(repeating: UInt32(BlockCut.byteLimit), count: 257)
        lengths[9] += 1
        var bench = Bench(lengths: lengths) { $0.queueBytes = 3 * BlockCut.byteLimit }
        let a = bench.join("a")
        _ = bench.hear(.want(OrdinalSet(0..<257)), a)
        #expect(bench.wait(0.2)[a] == [0, 1, 2])
    }

    @Test("what is under way is counted in bytes")
    func bytesUnderWay() {
        for (length, count) in [(UInt32(64 << 10), 16), (256 << 10, 4), (768 << 10, 2), (1 << 20, 1)] {
            // Of the smallest chunks four are a block.
            var bench = Bench(lengths: Array(repeating: length, count: 40)) { $0.queueBytes = 1 << 20 }
            let a = bench.join("a")
            _ = bench.hear(.want(OrdinalSet(0..<40)), a)
            #expect(bench.wait(0.2)[a]?.count == count, "blocks of \(length) bytes")
        }
    }

    @Test("what a mirror had before the origin knew is not given")
    func quiet() {
        var bench = Bench()
        let a = bench.join("a", have: Array(0..<39))
        let b = bench.join("b")
        _ = bench.hear(.want(OrdinalSet([39])), a)
        _ = bench.wantAll(b)
        #expect(bench.wait(1) == [a: [39]])
    }

    @Test("what comes of a lease makes room for the next; a block counts as copied when another has it")
    func flows() {
        var bench = Bench()
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b), bench.wait(0.2))
        #expect(bench.hear(.have([0..<1]), a) == [a: [6]])
        #expect(bench.book.openLeases == 7)
        #expect(bench.hear(.have([0..<1]), b).isEmpty)
        #expect(bench.book.openLeases == 6)
        _ = bench.hear(.have([1..<2]), b)
        let open = bench.book.openLeases
        _ = bench.hear(.copied([1..<2]), b)
        #expect(bench.book.openLeases == open - 1)
        #expect(bench.book.again.isEmpty)
    }

    @Test("one mirror is not given more than eight that nobody else has, while there are others")
    func unreplicated() {
        var bench = Bench { $0.queueBytes = 100 * BlockCut.byteLimit }
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.hear(.want(OrdinalSet([39])), b))
        // Two mirrors: 64 / 2 each.
        #expect(bench.wait(0.2)[a]?.count == 32)
        var alone = Bench { $0.queueBytes = 100 * BlockCut.byteLimit }
        let only = alone.join("a")
        _ = alone.wantAll(only)
        #expect(alone.wait(0.2)[only]?.count == 40)
    }

    @Test("leases that expire together make one short pause, so that a fleet goes on soon after a fault of its network")
    func expiresTogether() {
        var bench = Bench()
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b))
        #expect(bench.wait(0.2).values.joined().count == 6)
        // What a lease takes is known from here on.
        _ = bench.hear(.have([0..<1]), a)
        // Nothing gets through; what is given meanwhile expires as well.
        _ = bench.wait(6)
        let expired = bench.book.again[.expired] ?? 0
        #expect(expired > 2, "\(expired) leases expired")
        // Then the network is there again, and everybody still wants all.
        _ = (bench.wantAll(a), bench.wantAll(b))
        var seconds = 0.0
        var given: [Int: [UInt32]] = [:]
        while given.isEmpty, seconds < 60 {
            given = bench.wait(0.5)
            seconds += 0.5
        }
        #expect(seconds <= 5, "nothing was given for \(seconds) s")
    }

    @Test("a lease of which nothing comes is given to another after 4 s, and the first is left alone for 2 s")
    func expires() {
        var bench = Bench { $0.queueBytes = BlockCut.byteLimit }
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b))
        #expect(bench.wait(0.2) == [a: [0]])
        // One that gives no sign stops nobody else.
        #expect(bench.wait(1.6)[b] == [1])
        _ = bench.hear(.have([1..<2]), b)
        let later = bench.wait(4)
        #expect(bench.book.again[.expired] ?? 0 >= 1)
        #expect(later[b]?.contains(0) == true && later[a]?.contains(0) != true)
    }

    @Test("the blocks of a mirror that is gone are given again, those that others have are not")
    func gone() {
        var bench = Bench()
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b), bench.wait(0.2))
        _ = (bench.hear(.have([0..<1, 2..<3]), a), bench.hear(.have([0..<1]), b))
        let again = bench.note(bench.book.leave(a, now: bench.now))
        #expect(again[b]?.contains(2) == true && again[b]?.contains(4) == true && again[b]?.contains(0) == false)
        #expect(bench.book.again[.gone] ?? 0 >= 2)
        #expect(bench.book.leave(a, now: bench.now).isEmpty)
    }

    @Test("the last block, of which its holder gives nobody anything, is given to another after a second")
    func slow() {
        var bench = Bench(blocks: 1)
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b))
        #expect(bench.wait(0.2) == [a: [0]])
        _ = bench.hear(.have([0..<1]), a)
        #expect(bench.wait(1).isEmpty)
        #expect(bench.wait(0.2) == [b: [0]])
        #expect(bench.book.again == [.slow: 1])
    }

    @Test("a mirror that others got wrong bytes from: what it alone has is given to others, and nothing to it")
    func corrupt() {
        var bench = Bench()
        let mirrors = ["a", "b", "c", "d"].map { bench.join($0) }
        for mirror in mirrors { _ = bench.wantAll(mirror) }
        let first = bench.wait(0.2)
        #expect(first[mirrors[0]] == [0, 4])
        _ = bench.hear(.have([0..<1]), mirrors[0])
        var after = bench.hear(.distrust(["a"]), mirrors[1])
        after.merge(bench.wait(2)) { $0 + $1 }
        #expect(after.values.contains { $0.contains(0) } && after[mirrors[0]] == nil)
        #expect(bench.book.again[.corrupt] == 2)
        // What it says it has does not count as copied.
        let open = bench.book.openLeases
        _ = bench.hear(.have([1..<2]), mirrors[0])
        #expect(bench.book.openLeases == open)
        // Of one mirror, the word against a quarter counts.
        _ = bench.hear(.distrust(["c", "d"]), mirrors[1])
        #expect(bench.book.again[.corrupt] == 2)
        // Nobody has himself cut off.
        _ = bench.hear(.distrust(["b"]), mirrors[1])
        #expect(bench.book.again[.corrupt] == 2)
    }

    @Test("a lease that is given back goes to another, and not to the one who gave it")
    func refused() {
        var bench = Bench { $0.queueBytes = BlockCut.byteLimit }
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b))
        #expect(bench.wait(0.2) == [a: [0]])
        #expect(bench.hear(.cancel([0..<1]), a) == [b: [0]])
        #expect(bench.book.again == [.refused: 1])
        // Of somebody else's lease nobody gives back anything.
        _ = bench.hear(.cancel([0..<1]), a)
        #expect(bench.book.again == [.refused: 1])
    }

    @Test("mirrors of other regions are given nothing while one of the origin's own wants something")
    func nearFirst() {
        var bench = Bench()
        let (far, near) = (bench.join("far", isNear: false), bench.join("near"))
        _ = (bench.wantAll(far), bench.wantAll(near))
        #expect(bench.wait(0.2) == [near: [0, 1, 2, 3, 4, 5]])
        _ = bench.hear(.want(OrdinalSet()), near)
        for block in UInt32(0)..<6 { _ = bench.hear(.have([block..<block + 1]), near) }
        #expect(bench.granted[far]?.isEmpty == false)
    }

    @Test("what was copied long ago and a mirror still cannot reach is given to it")
    func unreachable() {
        var bench = Bench(blocks: 2)
        let (a, b, c) = (bench.join("a"), bench.join("b"), bench.join("c"))
        for mirror in [a, b] { _ = bench.hear(.want(OrdinalSet([0, 1])), mirror) }
        _ = bench.wait(0.2)
        for mirror in [a, b] { _ = bench.hear(.have([0..<2]), mirror) }
        _ = bench.hear(.want(OrdinalSet([0, 1])), c)
        #expect(bench.wait(3.5).isEmpty)
        _ = bench.wait(2)
        #expect(bench.hear(.want(OrdinalSet([1])), c) == [c: [1]])
        #expect(bench.book.again == [.unreachable: 1])
    }

    @Test("further copies are given when nothing is free, up to the number allowed, of what the fewest have")
    func extras() {
        var bench = Bench(blocks: 4) { $0.originCopies = 1.5 }
        let (a, b) = (bench.join("a"), bench.join("b"))
        _ = (bench.wantAll(a), bench.wantAll(b))
        // Four once, and two more: neither gets twice what it is given already.
        let given = bench.wait(0.2)
        #expect(given[a]?.count == 3 && given[b]?.count == 3)
        #expect(Set(given[a] ?? []).count == 3 && Set(given[b] ?? []).count == 3)
        #expect(bench.book.leasedBytes == UInt64(6 * BlockCut.byteLimit))
        for block in UInt32(0)..<4 {
            _ = (bench.hear(.have([block..<block + 1]), a), bench.hear(.have([block..<block + 1]), b))
        }
        #expect(bench.wait(20).isEmpty && bench.book.again.isEmpty && bench.book.openLeases == 0)
    }

    @Test("messages of those who are not there, and of no sense for a book, do nothing")
    func ignored() {
        var bench = Bench()
        #expect(bench.wantAll(7).isEmpty && bench.book.leave(7, now: .zero).isEmpty)
        let a = bench.join("a")
        for message in SwarmMessageTests.samples { _ = bench.hear(message, a) }
        #expect(bench.book.leases == 0)
    }
}
