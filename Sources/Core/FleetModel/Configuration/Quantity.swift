/// Sizes and durations as people write them, in text and back.
package enum Quantity {
    /// Why a text is no quantity.
    package enum Failure: Error, Sendable, Equatable {
        /// A number without any unit.
        case noUnit
        /// `50M`: bytes or bits, it does not say. The text before the letter is `number`.
        case ambiguousUnit(number: String, letter: String)
        /// Bits a second where bytes are wanted.
        case isRate
        /// Anything else.
        case malformed
        /// A number that does not fit.
        case tooLarge
    }

    private static let byteUnits: [(name: String, factor: UInt64)] = [
        ("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    /// The bytes of a size, e.g. `50MB`, `64 KiB`, `1.5GB`. A unit must be there.
    /// - Throws: `Failure` says what is wrong with the text.
    package static func bytes(_ text: String) throws(Failure) -> UInt64 {
        let (number, unit) = split(text)
        guard !number.isEmpty else { throw .malformed }
        if unit.isEmpty { throw .noUnit }
        if ["k", "K", "M", "G", "T"].contains(unit) { throw .ambiguousUnit(number: number, letter: unit) }
        if unit.hasSuffix("bit") { throw .isRate }
        guard let factor = byteUnits.first(where: { $0.name == unit })?.factor else { throw .malformed }
        return try scaled(number, by: factor)
    }

    private static let bitUnits: [(name: String, factor: UInt64)] = [
        ("bit", 1), ("kbit", 1_000), ("mbit", 1_000_000), ("gbit", 1_000_000_000),
    ]

    /// The bytes a second of a rate: bytes as `50MB`, also `50MB/s`, or bits as `100mbit`, whatever their case. The
    /// number `0` needs no unit.
    /// - Throws: `Failure` says what is wrong with the text.
    package static func bytesPerSecond(_ text: String) throws(Failure) -> UInt64 {
        let text = text.hasSuffix("/s") ? String(text.dropLast(2)) : text
        if text == "0" { return 0 }
        let (number, unit) = split(text)
        guard unit.hasSuffix("bit") else { return try bytes(text) }
        guard !number.isEmpty, let factor = bitUnits.first(where: { $0.name == unit.lowercased() })?.factor else {
            throw .malformed
        }
        return try scaled(number, by: factor) / 8
    }

    /// The seconds of a duration, e.g. `30s`, `5m`, `1h30m`, `2d`. Larger units first, each once.
    /// - Throws: `Failure` says what is wrong with the text.
    package static func seconds(_ text: String) throws(Failure) -> Int64 {
        let units: [(letter: UInt8, seconds: Int64)] = [
            (UInt8(ascii: "w"), 604_800), (UInt8(ascii: "d"), 86_400), (UInt8(ascii: "h"), 3_600),
            (UInt8(ascii: "m"), 60), (UInt8(ascii: "s"), 1),
        ]
        var remaining = units[...]
        var total: Int64 = 0
        var number: Int64?
        for byte in text.utf8 {
            if (0x30...0x39).contains(byte) {
                let (product, overflow) = (number ?? 0).multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(Int64(byte - 0x30))
                guard !overflow, !carry else { throw .tooLarge }
                number = sum
                continue
            }
            guard let value = number, let index = remaining.firstIndex(where: { $0.letter == byte }) else {
                throw .malformed
            }
            let (product, overflow) = value.multipliedReportingOverflow(by: units[index].seconds)
            let (sum, carry) = total.addingReportingOverflow(product)
            guard !overflow, !carry else { throw .tooLarge }
            total = sum
            remaining = units[(index + 1)...]
            number = nil
        }
        if number != nil { throw text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) ? .noUnit : .malformed }
        guard !text.isEmpty else { throw .malformed }
        return total
    }

    /// Whether the text is a number with a bare `k`, `M`, `G` or `T`, which may mean bytes or bits.
    static func isAmbiguous(_ text: String) -> Bool {
        do {
            _ = try bytes(text)
            return false
        } catch {
            if case .ambiguousUnit = error { return true }
            return false
        }
    }

    /// What `50M` may have meant: `50MB or 50Mbit`.
    static func unambiguous(_ text: String) -> String {
        let (number, unit) = split(text)
        let letter = unit == "K" ? "k" : unit
        return "\(number)\(letter)B or \(number)\(letter)bit"
    }

    /// A size for people, three figures, powers of 1,000: `0 B`, `18.2 GB`.
    package static func describe(bytes: UInt64) -> String {
        guard bytes >= 1_000 else { return "\(bytes) B" }
        // In whole numbers, so that no floating point enters a plan's text.
        var factor: UInt64 = 1_000
        func tenths() -> UInt64 { bytes / factor * 10 + (bytes % factor * 10 + factor / 2) / factor }
        for unit in ["kB", "MB", "GB", "TB", "PB"] {
            if tenths() < 10_000 { return "\(tenths() / 10).\(tenths() % 10) \(unit)" }
            factor *= 1_000
        }
        return "\(tenths() / 10).\(tenths() % 10) EB"
    }

    /// A duration for people, the two largest units: `0s`, `58s`, `3m41s`, `2h30m`, `9d`.
    package static func describe(seconds: Int64) -> String {
        let negative = seconds < 0
        let total = seconds.magnitude
        let parts: [(UInt64, String)] = [
            (total / 86_400, "d"), (total % 86_400 / 3_600, "h"), (total % 3_600 / 60, "m"), (total % 60, "s"),
        ]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0s" }
        let text = parts[first..<min(first + 2, parts.count)].filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }
        return (negative ? "-" : "") + text.joined()
    }

    /// Number and unit, with at most one space between.
    private static func split(_ text: String) -> (number: String, unit: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        var unit = text[number.endIndex...]
        if unit.first == " " { unit = unit.dropFirst() }
        return (String(number), String(unit))
    }

    /// A decimal number with at most three places, times the factor, exactly.
    private static func scaled(_ number: String, by factor: UInt64) throws(Failure) -> UInt64 {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty else { throw .malformed }
        guard whole.utf8.count <= 19, let units = UInt64(whole) else { throw .tooLarge }
        var thousandths: UInt64 = 0
        if parts.count == 2 {
            guard (1...3).contains(parts[1].utf8.count), factor > 1, let places = UInt64(parts[1]) else {
                throw .malformed
            }
            thousandths = [100, 10, 1][parts[1].utf8.count - 1] * places
        }
        let (product, overflow) = units.multipliedReportingOverflow(by: factor)
        let (sum, carry) = product.addingReportingOverflow(
            thousandths * (factor / 1_000) + thousandths * (factor % 1_000) / 1_000)
        guard !overflow, !carry else { throw .tooLarge }
        return sum
    }
}
