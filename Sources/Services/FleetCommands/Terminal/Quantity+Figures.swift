package import FleetModel

/// Figures that only the command line shows.
extension Quantity {
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
