import STOQ
import Testing

@Suite("Memory for messages")
struct SlabPoolTests {
    /// Answers of so many bytes each, all at once; the addresses of their memory, which is free again then.
    private func addresses(_ pool: STOQSlabPool, _ count: Int, of bytes: Int) -> Set<Int> {
        let messages = (0..<count).map { _ in
            var answer = STOQAnswer.Builder(pool: pool)
            answer.expect(bytes)
            answer.add(0, count: bytes) { $0.initializeMemory(as: UInt8.self, repeating: 1) }
            return answer.take()
        }
        return Set(messages.map { $0.withUnsafeBytes { Int(bitPattern: $0.baseAddress) } })
    }

    @Test("Memory is used again")
    func reuse() {
        let pool = STOQSlabPool(keptBytes: 4 << 20)
        let first = addresses(pool, 2, of: 300 << 10)
        #expect(first.count == 2)
        #expect(addresses(pool, 2, of: 310 << 10) == first)
    }

    @Test("Sizes that nobody wants any more make way for those that are in use")
    func displaced() {
        let pool = STOQSlabPool(keptBytes: 16 << 20)
        // As when small requests come first: all that is kept is of the wrong size for what comes then.
        _ = addresses(pool, 64, of: 180 << 10)
        let large = addresses(pool, 2, of: 900 << 10)
        // What the pool had given up would be in these now, and not in what it gives next.
        let others = (0..<16).map { _ in UnsafeMutableRawBufferPointer.allocate(byteCount: 1_114_112, alignment: 4_096)
        }
        defer { for other in others { other.deallocate() } }
        #expect(addresses(pool, 2, of: 900 << 10) == large)
    }

    @Test("What only a burst needed is given up, what is in use all the time is kept")
    func afterABurst() {
        let pool = STOQSlabPool(keptBytes: 32 << 20)
        _ = addresses(pool, 16, of: 900 << 10)
        #expect(pool.unusedBytes == 16 * 1_114_112)
        let used = addresses(pool, 2, of: 900 << 10)
        for _ in 0..<300 { #expect(addresses(pool, 2, of: 900 << 10) == used) }
        #expect(pool.unusedBytes == 2 * 1_114_112)
        // Messages that need none of it count, too.
        for _ in 0..<600 { _ = addresses(pool, 1, of: 100) }
        #expect(pool.unusedBytes == 0)
    }
}
