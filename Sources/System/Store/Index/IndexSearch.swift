import Content
import Hashing

/// One batch of look-ups on its way through the table and the runs, newest first. Used by one thread.
final class IndexSearch {
    let keys: UnsafeMutablePointer<IndexKey>
    /// Numbers of the keys not found so far.
    private(set) var pending: [UInt32]

    /// What was found of a key: the last 16 bytes of its entry.
    private struct Answer {
        var low: UInt64
        var high: UInt64
        var isFound: Bool
    }

    private let count: Int
    private let answers: UnsafeMutablePointer<Answer>
    private var hits = 0

    init(_ digests: ArraySlice<ChunkDigest>) {
        count = digests.count
        keys = .allocate(capacity: max(1, count))
        answers = .allocate(capacity: max(1, count))
        answers.initialize(repeating: Answer(low: 0, high: 0, isFound: false), count: count)
        pending = []
        let keys = keys
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { bytes in
            guard let base = bytes.baseAddress else { return }
            var number = 0
            for digest in digests {
                digest.raw.write(to: base)
                (keys + number).initialize(to: IndexKey(at: base))
                number += 1
            }
        }
    }

    deinit {
        // Keys and answers are plain numbers: there is nothing to deinitialise.
        keys.deallocate()
        answers.deallocate()
    }

    /// The first step: what the table has, and what is left to ask the runs.
    func look(in table: EntryTable) {
        pending.reserveCapacity(count)
        if table.count == 0 {
            for number in 0..<count { pending.append(UInt32(number)) }
            return
        }
        for number in 0..<count {
            if let entry = table.find(keys[number]) {
                answers[number] = Answer(low: entry.low, high: entry.high, isFound: true)
            } else {
                pending.append(UInt32(number))
            }
        }
    }

    /// Marks a key as found.
    @inline(__always)
    func found(_ number: Int, _ entry: IndexEntry) {
        answers[number] = Answer(low: entry.low, high: entry.high, isFound: true)
        hits += 1
    }

    /// Takes what was found out of `pending`.
    func dropFound() {
        if hits > 0 { pending.removeAll { answers[Int($0)].isFound } }
        hits = 0
    }

    /// The last step: writes the locations found, from `start` on, but for those in a removed blob.
    func write(
        to locations: UnsafeMutableBufferPointer<ChunkLocation?>, at start: Int, without removed: Set<UInt64>
    ) {
        for number in 0..<count where answers[number].isFound {
            let location = IndexEntry.location(answers[number].low, answers[number].high)
            if !removed.isEmpty && removed.contains(location.blobNumber) { continue }
            locations[start + number] = location
        }
    }
}
