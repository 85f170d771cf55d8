import FleetModel

/// How far one thing is, for a line of progress.
package struct ProgressRow: Equatable, Sendable {
    package var label: String
    package var done: UInt64
    /// Bytes in all; 0 until that is known.
    package var total: UInt64
    /// A word on what it is doing, or how it ended.
    package var note: String
    package var isFinished: Bool

    package init(label: String, done: UInt64, total: UInt64, note: String, isFinished: Bool = false) {
        self.label = label
        self.done = done
        self.total = total
        self.note = note
        self.isFinished = isFinished
    }
}

/// Progress on standard error: bars that redraw on a terminal, else a plain line when something ended and every
/// ten seconds, so that a log stays short.
package struct ProgressView {
    private static let plainIntervalSeconds = 10.0
    private static let barWidth = 24
    /// A bar that would be shorter than this is left out.
    private static let leastBarWidth = 4

    private let terminal: Terminal
    private var drawnLines = 0
    private var lastPlain: [String: Double] = [:]
    private var finished: Set<String> = []
    private var rates: [String: RateEstimate] = [:]

    package init(terminal: Terminal) {
        self.terminal = terminal
    }

    /// Shows `rows` as of `now`, in seconds of a clock that never goes back.
    package mutating func show(_ rows: [ProgressRow], now: Double) {
        for row in rows { rates[row.label, default: RateEstimate()].add(row.done, at: now) }
        if terminal.isInteractive {
            let size = terminal.size
            let lines = lines(rows, columns: size.columns - 1, limit: max(1, size.rows - 1))
            terminal.redraw(lines, over: drawnLines)
            drawnLines = lines.count
            return
        }
        for row in rows {
            if row.isFinished {
                if finished.insert(row.label).inserted { terminal.note(line(row, barWidth: 0)) }
            } else if now - (lastPlain[row.label] ?? now) >= Self.plainIntervalSeconds {
                lastPlain[row.label] = now
                terminal.note(line(row, barWidth: 0))
            } else if lastPlain[row.label] == nil {
                lastPlain[row.label] = now
            }
        }
    }

    /// Takes the bars away, so that other lines can be written; the next `show` draws them below.
    package mutating func clear() {
        if drawnLines > 0 { terminal.erase(drawnLines) }
        drawnLines = 0
    }

    /// What a terminal of `columns` shows in at most `limit` lines. What is still going on comes first where not
    /// everything finds room: lines that scrolled away could not be drawn over.
    package func lines(_ rows: [ProgressRow], columns: Int, limit: Int) -> [String] {
        guard rows.count > limit else { return rows.map { line($0, columns: columns) } }
        let shown = (rows.filter { !$0.isFinished } + rows.filter(\.isFinished)).prefix(limit - 1)
        return shown.map { line($0, columns: columns) }
            + ["\(rows.count - shown.count) more, \(rows.count(where: \.isFinished)) of \(rows.count) have ended"]
    }

    /// A line whose bar gives way before a figure does.
    private func line(_ row: ProgressRow, columns: Int) -> String {
        let full = line(row, barWidth: Self.barWidth)
        let width = Self.barWidth - max(0, full.count - columns)
        return width == Self.barWidth ? full : line(row, barWidth: width < Self.leastBarWidth ? 0 : width)
    }

    /// `m1  ████████░░░  71%  5.0 GB of 7.1 GB  812.0 MB/s  2s left  fetching`, or without a total
    /// `publish iso  5.0 GB  812.0 MB/s  read`.
    private func line(_ row: ProgressRow, barWidth: Int) -> String {
        var parts = [row.label]
        if row.total > 0 || row.isFinished {
            let share = row.total == 0 ? 1 : min(1, Double(row.done) / Double(row.total))
            if barWidth > 0 {
                let filled = Int(share * Double(barWidth))
                parts.append(String(repeating: "█", count: filled) + String(repeating: "░", count: barWidth - filled))
            }
            if row.total > 0 || barWidth > 0 { parts.append("\(Int(share * 100))%") }
        }
        if row.total > 0 {
            parts.append("\(Quantity.describe(bytes: row.done)) of \(Quantity.describe(bytes: row.total))")
        } else if row.done > 0 {
            parts.append(Quantity.describe(bytes: row.done))
        }
        if !row.isFinished, let rate = rates[row.label]?.bytesPerSecond, rate > 0 {
            parts.append(Quantity.describe(bytes: UInt64(min(rate, 1e18))) + "/s")
            if row.total > row.done {
                let seconds = Int64(min(Double(row.total - row.done) / rate, 1e12).rounded(.up))
                parts.append(Quantity.describe(seconds: seconds) + " left")
            }
        }
        if !row.note.isEmpty { parts.append(row.note) }
        return parts.joined(separator: "  ")
    }
}

/// Bytes per second over the last few seconds.
///
/// What is observed changes in steps, as reports come, and is looked at in between: so a rate is taken from step to step,
/// and never over less time than makes sense of one.
struct RateEstimate {
    /// Steps that are closer together count as one; seconds.
    private static let leastInterval = 0.5
    /// How long the past counts; seconds.
    private static let memory = 3.0
    /// Without a step for so long nothing comes; seconds.
    private static let patience = 5.0

    private var last: (bytes: UInt64, time: Double)?
    private(set) var bytesPerSecond: Double?

    /// Takes the total `bytes` done at `time`, which never goes back.
    mutating func add(_ bytes: UInt64, at time: Double) {
        guard let last, bytes >= last.bytes else {
            self.last = (bytes, time)
            return
        }
        let age = time - last.time
        if bytes == last.bytes {
            if age > Self.patience, bytesPerSecond != nil { bytesPerSecond = 0 }
            return
        }
        guard age >= Self.leastInterval else { return }
        let rate = Double(bytes - last.bytes) / age
        let weight = min(1, age / Self.memory)
        bytesPerSecond = bytesPerSecond.map { (1 - weight) * $0 + weight * rate } ?? rate
        self.last = (bytes, time)
    }
}
