package import FleetModel

/// A plan as text for people.
package enum PlanText {
    /// The whole plan, with line ends: what is done first, then what is not, each with its reason.
    package static func render(_ plan: Plan) -> String {
        let parent = plan.parent.map { ", after \($0)" } ?? ""
        let work = plan.lines.filter { $0.action != .none }
        let bytes = work.reduce(UInt64(0)) { sum, line in
            let (total, overflow) = sum.addingReportingOverflow(line.bytes)
            return overflow ? .max : total
        }
        var text = "plan \(plan.generation)\(parent): "
        text += work.isEmpty ? "nothing to do\n" : "\(work.count) to do\(about(bytes))\n"
        for line in work { text += render(line) }
        for line in plan.lines where line.action == .none { text += render(line) }
        return text
    }

    /// Nothing for 0: then the reason says why no figure is known.
    private static func about(_ bytes: UInt64) -> String {
        bytes == 0 ? "" : ", about \(Quantity.describe(bytes: bytes))"
    }

    private static func render(_ line: PlanLine) -> String {
        var text = "\(line.mirror) \(line.set): "
        switch line.action {
        case .none: text += "nothing\n"
        case .sync, .repair:
            let release = line.sequence.map { "\($0)" } ?? "-"
            let verb = line.action == .sync ? "sync to" : "repair to"
            let sources = line.sources.map(\.name).joined(separator: ", ")
            text += "\(verb) \(release)\(about(line.bytes)) from \(sources)\n"
        }
        text += "    \(line.reason.code): \(line.reason.text)\n"
        guard line.reason.code != .noSource else { return text }
        for source in line.leftOut { text += "    not from \(source.name): \(source.reason.text)\n" }
        return text
    }
}
