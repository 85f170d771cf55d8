import Swarm
import TestSupport
import Testing

@Suite struct UploadSlotsTests {
    @Test func `each limit refuses by itself, and a slot that is given back is there for others`() {
        var slots = UploadSlots(UploadSlots.Limits(total: 4, ofPeer: 2, ofSet: ["iso": 1]))
        func expect(_ isThere: Bool, _ peer: String, _ set: String, _ why: Comment = "") {
            let isTaken = slots.take(peer: peer, set: set)
            #expect(isTaken == isThere, why)
        }
        expect(true, "a", "debian")
        expect(true, "a", "iso")
        expect(false, "a", "debian", "two of one peer")
        expect(false, "b", "iso", "one of the set")
        expect(true, "b", "debian")
        expect(true, "c", "debian")
        expect(false, "d", "debian", "four in all")
        slots.leave(peer: "a", set: "iso")
        expect(true, "d", "iso")
        slots.limits.total = 1
        slots.leave(peer: "d", set: "iso")
        expect(false, "d", "iso", "narrowed meanwhile")
    }

    @Test func `whatever comes and goes, no limit is passed`() {
        var random = SplitMix64(seed: 20_261_129)
        print("upload slots: seed 20261129")
        var slots = UploadSlots(UploadSlots.Limits(total: 10, ofPeer: 3, ofSet: ["s1": 4]))
        var open: [(peer: String, set: String)] = []
        for _ in 0..<20_000 {
            if random.next() % 2 == 0, !open.isEmpty {
                let (peer, set) = open.remove(at: Int(random.next() % UInt64(open.count)))
                slots.leave(peer: peer, set: set)
            } else {
                let (peer, set) = ("p\(random.next() % 6)", "s\(random.next() % 3)")
                let hasRoom =
                    open.count < 10 && open.count { $0.peer == peer } < 3
                    && (set != "s1" || open.count { $0.set == "s1" } < 4)
                let isTaken = slots.take(peer: peer, set: set)
                #expect(isTaken == hasRoom)
                if hasRoom { open.append((peer, set)) }
            }
        }
    }

    @Test func `the words of a refusal are read back, and no other words or long waits are believed`() {
        #expect(UploadSlots.wait(in: UploadSlots.refusal) == UploadSlots.pause)
        #expect(UploadSlots.wait(in: "busy, retry after 99999999 ms") == UploadSlots.longestPause)
        for reason in [
            "", "busy", "busy, retry after ", "busy, retry after -1 ms", "busy, retry after 0 ms",
            "busy, retry after 1 s", "busy, retry after 99999999999999999999 ms",
        ] {
            #expect(UploadSlots.wait(in: reason) == nil, "\(reason)")
        }
    }
}
