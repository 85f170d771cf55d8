import Content
import LinuxIO

extension IngestRun {
    /// What is to be copied of the whole tree where nothing can be shared: one more walk, which reads no file.
    func plannedCopies() throws -> PlannedCopies {
        var known = SourceRecords(store.database, set: set.number)
        var planned = PlannedCopies(of: [])
        try SourceWalk(top: top).run { item in
            guard item.attributes.type == .regular else { return }
            if let record = try known.record(at: item.path), isUnchanged(item, record) { return }
            planned.add(item)
        }
        return planned
    }
}

extension PlannedCopies {
    /// What copying these files copies.
    init(of items: [SourceItem]) {
        self.init(files: 0, bytes: 0)
        for item in items { add(item) }
    }

    fileprivate mutating func add(_ item: SourceItem) {
        guard item.attributes.size > 0 else { return }
        files += 1
        let (sum, isOver) = bytes.addingReportingOverflow(item.attributes.size)
        bytes = isOver ? .max : sum
    }
}
