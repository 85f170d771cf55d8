/// Rows of cells under headings, in columns as wide as their widest cell.
package struct TextTable: Sendable {
    private let headings: [String]
    private let rightAligned: Set<Int>
    private var rows: [[String]] = []

    /// A table without rows.
    package init(_ headings: [String], rightAligned: Set<Int> = []) {
        self.headings = headings
        self.rightAligned = rightAligned
    }

    /// Adds a row; it has as many cells as there are headings.
    package mutating func add(_ row: [String]) {
        precondition(row.count == headings.count, "a row of \(row.count) cells for \(headings.count) columns")
        rows.append(row)
    }

    /// The table with line ends.
    /// - Parameters:
    ///   - width: the columns of the terminal; nil for no limit.
    ///   - dispensable: the columns to leave out when the width does not do, the first to go first.
    package func text(width: Int?, dispensable: [Int] = []) -> String {
        var columns = Array(headings.indices)
        let widths = headings.indices.map { column in
            ([headings] + rows).map { Self.width($0[column]) }.max() ?? 0
        }
        var toDrop = dispensable[...]
        while let width, let next = toDrop.first,
            columns.reduce(0, { $0 + widths[$1] + 2 }) - 2 > width
        {
            columns.removeAll { $0 == next }
            toDrop = toDrop.dropFirst()
        }
        var text = ""
        for row in [headings] + rows {
            var line = ""
            for column in columns {
                let space = String(repeating: " ", count: widths[column] - Self.width(row[column]))
                let cell = rightAligned.contains(column) ? space + row[column] : row[column] + space
                line += line.isEmpty ? cell : "  " + cell
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }

    /// Columns that a terminal takes for the text: wide East Asian letters take two, combining marks none.
    package static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
            0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }
}
