/// Sizes, rates and times as people read them.
package enum Quantity {
    /// `1536` -> `1.5 kB`; decimal units, as in fleet.yaml.
    package static func bytes(_ count: UInt64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        var value = Double(count)
        var unit = 0
        while value >= 999.95, unit < units.count - 1 {
            value /= 1_000
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(decimal(value, digits: 1)) \(units[unit])"
    }

    /// Bytes per second.
    package static func rate(_ bytesPerSecond: Double) -> String {
        bytes(UInt64(max(0, min(bytesPerSecond, 1e18)))) + "/s"
    }

    /// Whole seconds as `42s`, `3m 5s`, `2h 4m`, `3d 1h`.
    package static func seconds(_ count: Int64) -> String {
        switch count {
        case ..<0: "0s"
        case ..<60: "\(count)s"
        case ..<3_600: "\(count / 60)m \(count % 60)s"
        case ..<86_400: "\(count / 3_600)h \(count % 3_600 / 60)m"
        default: "\(count / 86_400)d \(count % 86_400 / 3_600)h"
        }
    }

    /// `value` with a fixed number of digits after the point (0...3).
    package static func decimal(_ value: Double, digits: Int) -> String {
        precondition((0...3).contains(digits), "0 to 3 digits, not \(digits)")
        let scale = [1.0, 10, 100, 1_000][digits]
        let scaled = Int64((max(-1e15, min(value, 1e15)) * scale).rounded())
        guard digits > 0 else { return "\(scaled)" }
        let fraction = String(abs(scaled) % Int64(scale))
        let padded = String(repeating: "0", count: digits - fraction.count) + fraction
        return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int64(scale)).\(padded)"
    }

    /// `12345678` -> `12,345,678`.
    package static func count(_ value: UInt64) -> String {
        let digits = Array(String(value))
        var text = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }
}
