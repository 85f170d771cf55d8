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
}
