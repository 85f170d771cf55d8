import FleetModel

/// A plan for people: what is done first, then what is not, each with its reason.
enum PlanTable {
    static func render(_ plan: Plan) -> String {
        guard !plan.lines.isEmpty else { return "nothing to plan: no mirror carries these sets" }
        var table = TextTable(["MIRROR", "SET", "ACTION", "RELEASE", "BYTES", "FROM", "REASON"])
        for line in plan.lines.filter({ $0.action != .none }) + plan.lines.filter({ $0.action == .none }) {
            table.add([
                line.mirror, line.set, line.action == .none ? "-" : line.action.rawValue,
                line.sequence.map(String.init) ?? "-",
                line.action == .none ? "-" : "~" + Quantity.bytes(line.bytes),
                line.sources.isEmpty ? "-" : line.sources.map(\.name).joined(separator: ","),
                line.reason.text + leftOut(line),
            ])
        }
        return table.render()
    }

    private static func leftOut(_ line: PlanLine) -> String {
        guard line.action != .none, !line.leftOut.isEmpty else { return "" }
        return " (not from " + line.leftOut.map { "\($0.name): \($0.reason.text)" }.joined(separator: "; ") + ")"
    }
}
