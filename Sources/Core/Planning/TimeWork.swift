import FleetModel

/// What a mirror does on its own disk for files of a release that change in their time alone, where its file system
/// shares no blocks: copies up to the set's limit, and times changed in place beyond it.
///
/// An estimate: releases say how much changed so since the one before, not which files.
struct TimeWork {
    let copiedBytes: UInt64
    let retimedBytes: UInt64

    /// Nil if there is nothing to do, or nothing is known of it.
    init?(_ mirror: MirrorAssessment, set name: String, _ head: RegisteredRelease, _ history: ReleaseHistory) {
        guard mirror.observation?.report.disk.sharesBlocks == false,
            let set = mirror.sets.first(where: { $0.policy.name == name }), let held = set.report?.sequence
        else { return nil }
        let touched = history.releases(of: name, above: held).reduce(UInt64(0)) { sum, release in
            let (total, overflow) = sum.addingReportingOverflow(release.retouchedBytes)
            return overflow ? .max : total
        }
        let bytes = min(touched, head.bytes)
        guard bytes > 0 else { return nil }
        let limit = set.policy.copyLimit.bytes(ofSet: head.bytes)
        copiedBytes = min(bytes, limit)
        retimedBytes = bytes - copiedBytes
    }

    /// For the end of a line's reason.
    var text: String {
        let copied = Quantity.describe(bytes: copiedBytes)
        guard retimedBytes > 0 else { return "; about \(copied) copied on its disk for times alone" }
        return "; at most \(copied) copied on its disk for times alone, which is the limit: the times of about"
            + " \(Quantity.describe(bytes: retimedBytes)) are changed in place just before the flip"
    }
}
