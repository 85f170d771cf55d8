import Content

/// A set of entries that random edits change, kept sorted: the model that trees are compared with.
struct TreeModel {
    private(set) var entries: [ManifestEntry]
    /// Makes a path that need not be new.
    private let freshPath: (inout TreeRandom) throws -> RelativePath

    init(_ entries: [ManifestEntry], freshPath: @escaping (inout TreeRandom) throws -> RelativePath) {
        self.entries = entries
        self.freshPath = freshPath
    }

    /// Makes about `count` random edits, changes the model by them, and returns them sorted by path.
    mutating func edit(_ count: Int, _ random: inout TreeRandom) throws -> [ManifestEdit] {
        var edits: [RelativePath: ManifestEdit] = [:]
        while edits.count < count {
            switch random.below(10) {
            case 0...2:
                let path = try freshPath(&random)
                edits[path] = .put(try TreeSamples.entry(at: path, &random))
            case 3...4:
                guard let old = entries.randomElement(using: &random) else { continue }
                edits[old.path] = .put(try TreeSamples.entry(at: old.path, &random))
            case 5...6:
                guard let old = entries.randomElement(using: &random) else { continue }
                edits[old.path] = .remove(old.path)
            case 7:
                // What changes nothing: an absent path removed, an entry put again.
                let path = try freshPath(&random)
                let index = entries.partitioningIndex { $0.path >= path }
                let isThere = index < entries.count && entries[index].path == path
                edits[path] = isThere ? .put(entries[index]) : .remove(path)
            case 8:
                // A whole run goes, or the end of the set.
                guard !entries.isEmpty else { continue }
                let start = random.once(in: 4) ? max(0, entries.count - 30) : random.below(entries.count)
                for entry in entries[start...].prefix(min(count, 1 + random.below(80))) {
                    edits[entry.path] = .remove(entry.path)
                }
            default:
                // A run of new neighbours.
                let base = try freshPath(&random)
                for number in 0..<min(count, 1 + random.below(80)) {
                    guard let path = try? RelativePath(base.bytes + Array("~\(number)".utf8)) else { break }
                    edits[path] = .put(try TreeSamples.entry(at: path, &random))
                }
            }
        }
        let sorted = edits.values.sorted { $0.path < $1.path }
        apply(sorted)
        return sorted
    }

    /// Changes the model by sorted edits.
    mutating func apply(_ edits: [ManifestEdit]) {
        var new: [ManifestEntry] = []
        new.reserveCapacity(entries.count + edits.count)
        var old = entries[...]
        for edit in edits {
            while let entry = old.first, entry.path < edit.path {
                new.append(entry)
                old.removeFirst()
            }
            if let entry = old.first, entry.path == edit.path { old.removeFirst() }
            if case .put(let entry) = edit { new.append(entry) }
        }
        entries = new + old
    }
}

extension Array {
    /// The first index whose element satisfies `predicate`, which none before and all after do.
    func partitioningIndex(_ predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
