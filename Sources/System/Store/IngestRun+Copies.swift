import Content
import LinuxIO

extension IngestRun {
    /// What is to be copied of the whole tree where nothing can be shared: one more walk, which reads no file. It is
    /// made only once there is something to copy, so an unchanged tree is walked once.
    func plannedCopies() throws -> PlannedCopies {
        var known = SourceRecords(store.database, set: set.number)
        var (files, bytes): (UInt64, UInt64) = (0, 0)
        try SourceWalk(top: top).run { item in
            guard item.attributes.type == .regular else { return }
            if let record = try known.record(at: item.path), isUnchanged(item, record) { return }
            guard item.attributes.size > 0 else { return }
            files += 1
            let (sum, isOver) = bytes.addingReportingOverflow(item.attributes.size)
            bytes = isOver ? .max : sum
        }
        return PlannedCopies(files: files, bytes: bytes)
    }
}
