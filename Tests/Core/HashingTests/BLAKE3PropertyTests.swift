import Hashing
import Testing
import TestSupport

@Suite struct BLAKE3PropertyTests {
    @Test(arguments: BLAKE3.Kernel.available)
    func `a digest does not depend on the kernel or on the splits`(kernel: BLAKE3.Kernel) {
        var random = SplitMix64(test: "splits, \(kernel)", fallback: 1)
        for _ in 0..<120 {
            let input = random.bytes(random.length(below: 20))
            let expected = input.withUnsafeBytes { BLAKE3.hash($0, kernel: .portable) }
            #expect(input.withUnsafeBytes { BLAKE3.hash($0, kernel: kernel) } == expected, "\(input.count) bytes")
            var hasher = BLAKE3.Hasher(mode: BLAKE3Mode(), kernel: kernel)
            var parts: [Int] = []
            input.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let part = min(rest.count, random.length(below: 19))
                    hasher.update(UnsafeRawBufferPointer(rebasing: rest.prefix(part)))
                    rest = rest.dropFirst(part)
                    parts.append(part)
                }
            }
            #expect(hasher.finalize() == expected, "\(input.count) bytes in parts \(parts)")
        }
    }

    @Test(arguments: BLAKE3.Kernel.available)
    func `a batch gives the digests that one buffer after the other gives`(kernel: BLAKE3.Kernel) {
        var random = SplitMix64(test: "batches, \(kernel)", fallback: 2)
        for round in 0..<60 {
            // Tiny ones by the hundred, typical nodes and chunks, and now and then one beyond a whole group.
            let bits = [7, 11, 13, 17, 20][round % 5]
            let count = Int.random(in: 0...([900, 300, 80, 20, 4][round % 5]), using: &random)
            let inputs = (0..<count).map { _ in random.bytes(random.length(below: bits)) }
            withBuffers(inputs) { buffers in
                let expected = buffers.map { BLAKE3.hash($0, kernel: .portable) }
                #expect(BLAKE3.hashMany(buffers, kernel: kernel) == expected, "lengths \(inputs.map(\.count))")
            }
        }
    }

    @Test(arguments: BLAKE3.Kernel.available)
    func `batches of exact chunks hold at every number of lanes`(kernel: BLAKE3.Kernel) {
        var random = SplitMix64(test: "lanes, \(kernel)", fallback: 3)
        for count in 1...70 {
            for length in [64, 1024, 2048, 3072] {
                let inputs = (0..<count).map { _ in random.bytes(length) }
                withBuffers(inputs) { buffers in
                    let expected = buffers.map { BLAKE3.hash($0, kernel: .portable) }
                    #expect(BLAKE3.hashMany(buffers, kernel: kernel) == expected, "\(count) of \(length) bytes")
                }
            }
        }
    }

    @Test(arguments: BLAKE3.Kernel.available)
    func `buffers around the size of a group have their right tree`(kernel: BLAKE3.Kernel) {
        // 512 KiB are hashed in one group of chunks, larger ones in several.
        let group = 512 * 1024
        var random = SplitMix64(test: "groups, \(kernel)", fallback: 4)
        let input = random.bytes(4 * group + 1)
        for length in [
            group - 1, group, group + 1, group + 1024, 2 * group, 3 * group, 3 * group + 1025, 4 * group + 1,
        ] {
            input.withUnsafeBytes { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(length))
                // Byte by byte at first, so that no later part begins at a chunk: another way through the code.
                var hasher = BLAKE3.Hasher(mode: BLAKE3Mode(), kernel: .portable)
                hasher.update(UnsafeRawBufferPointer(rebasing: part.prefix(1)))
                for start in stride(from: 1, to: length, by: 1000) {
                    hasher.update(UnsafeRawBufferPointer(rebasing: part[start..<min(length, start + 1000)]))
                }
                #expect(BLAKE3.hash(part, kernel: kernel) == hasher.finalize(), "\(length) bytes")
            }
        }
    }

    @Test func `pieces hashed in any order give the digest of the whole`() {
        var random = SplitMix64(test: "pieces", fallback: 41)
        let piece = BLAKE3.Pieces.pieceByteCount
        let sizes = [
            0, 1, 1024, piece - 1, piece, piece + 1, 2 * piece, 3 * piece - 1, 4 * piece, 5 * piece + 7, 7 * piece,
        ]
        let bytes = random.bytes(7 * piece)
        for size in sizes + [Int.random(in: 0..<7 * piece, using: &random)] {
            var pieces = BLAKE3.Pieces(byteCount: UInt64(size))
            bytes.withUnsafeBytes { bytes in
                for index in (0..<pieces.count).shuffled(using: &random) {
                    #expect(pieces.firstMissing != nil)
                    let start = index * piece
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<start + pieces.length(of: index)])
                    pieces.set(pieces.value(of: index, part), of: index)
                }
            }
            #expect(pieces.firstMissing == nil)
            #expect(pieces.digest == BLAKE3.hash(Array(bytes[..<size])), "\(size) bytes")
        }
    }

    @Test func `a copy of a hasher goes on by itself`() {
        var one = BLAKE3.Hasher()
        one.update(Array("mirror".utf8))
        var other = one
        other.update(Array("fleet".utf8))
        #expect(one.finalize() == BLAKE3.hash(Array("mirror".utf8)))
        #expect(other.finalize() == BLAKE3.hash(Array("mirrorfleet".utf8)))
        one.update([])
        one.update(Array("fleet".utf8))
        #expect(one.finalize() == other.finalize())
    }

    @Test func `contexts separate equal bytes, and from the plain hash`() {
        let bytes = Array("the same bytes".utf8)
        let a = BLAKE3Context("mirrorfleet test context a")
        let b = BLAKE3Context("mirrorfleet test context b")
        #expect(Set([a.hash(bytes), b.hash(bytes), BLAKE3.hash(bytes)]).count == 3)
    }

    @Test func `extended output begins with the digest and is the same in parts`() {
        var hasher = BLAKE3.Hasher()
        hasher.update(Array("mirror".utf8))
        let output = hasher.extendedOutput(1000)
        #expect(Array(output.prefix(32)) == hasher.finalize().bytes)
        for count in [0, 1, 63, 64, 65, 999] {
            #expect(hasher.extendedOutput(count) == Array(output.prefix(count)))
        }
    }
}
