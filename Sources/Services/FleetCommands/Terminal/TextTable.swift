/// Columns of text under a heading, each as wide as its widest cell.
struct TextTable {
    private let heading: [String]
    private var rows: [[String]] = []

    init(_ heading: [String]) {
        self.heading = heading
    }

    /// Adds a row with as many cells as the heading has.
    mutating func add(_ row: [String]) {
        precondition(row.count == heading.count, "\(row.count) cells under a heading of \(heading.count)")
        rows.append(row)
    }

    /// The lines, without spaces at their ends.
    func render() -> String {
        let all = [heading] + rows
        let widths = heading.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
