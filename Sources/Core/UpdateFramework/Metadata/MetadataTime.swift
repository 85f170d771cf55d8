/// A moment as TUF writes it, `2030-01-31T23:59:59Z`, in whole seconds.
package struct MetadataTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// What can be written: the years 1 to 9999.
    private static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// Seconds since 1970, without leap seconds.
    package let secondsSince1970: Int64

    /// The moment, moved into the years 1 to 9999.
    package init(secondsSince1970: Int64) {
        self.secondsSince1970 = min(max(secondsSince1970, Self.range.lowerBound), Self.range.upperBound)
    }

    /// Reads exactly the form above; nil for anything else, and for days that no calendar has.
    package init?(_ text: [UInt8]) {
        let shape = Array("dddd-dd-ddTdd:dd:ddZ".utf8)
        guard text.count == shape.count else { return nil }
        var numbers: [Int64] = [0]
        for (byte, expected) in zip(text, shape) {
            if expected == UInt8(ascii: "d") {
                guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int64(byte - UInt8(ascii: "0"))
            } else {
                guard byte == expected else { return nil }
                numbers.append(0)
            }
        }
        let (year, month, day) = (numbers[0], numbers[1], numbers[2])
        let (hour, minute, second) = (numbers[3], numbers[4], numbers[5])
        guard year >= 1, (1...12).contains(month), day >= 1, day <= Self.dayCount(month: month, year: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        secondsSince1970 =
            Self.days(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second
    }

    /// The text in a document.
    package var text: [UInt8] { Array(description.utf8) }

    /// The same.
    package var description: String {
        let seconds = secondsSince1970.quotientAndRemainder(dividingBy: 86_400)
        let days = seconds.remainder < 0 ? seconds.quotient - 1 : seconds.quotient
        let second = secondsSince1970 - days * 86_400
        let (year, month, day) = Self.date(days: days)
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let years = String(repeating: "0", count: 4 - "\(year)".utf8.count) + "\(year)"
        return "\(years)-\(two(month))-\(two(day))T\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60))Z"
    }

    package static func < (left: MetadataTime, right: MetadataTime) -> Bool {
        left.secondsSince1970 < right.secondsSince1970
    }

    // MARK: - Calendar, counted in years that begin in March, so that leap days come last

    private static func dayCount(month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month > 2 ? year : year - 1
        let marchMonth = (month + 9) % 12
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        return marchYear * 365 + leapDays + (marchMonth * 153 + 2) / 5 + day - 1 - 719_468
    }

    private static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let fromZero = days + 719_468
        let era = fromZero / 146_097
        let dayOfEra = fromZero % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
