/// A set of row numbers, one bit each: what a collection has marked.
///
/// Memory: 8 KiB for each 65,536 numbers in a row of which any is in the set, so about a bit for each row of a table
/// whose numbers lie close together.
package struct NumberSet: Sendable {
    private var pages: [Int64: [UInt64]] = [:]
    /// How many numbers there are.
    package private(set) var count = 0

    private static let wordsInPage = 1_024
    /// Numbers of one page, as a shift.
    private static let pageShift: Int64 = 16

    package init() {}

    /// Adds a number; false if it was there.
    @discardableResult
    package mutating func insert(_ number: Int64) -> Bool {
        let (page, word, bit) = Self.place(number)
        let isNew: Bool = {
            var words = pages.removeValue(forKey: page) ?? [UInt64](repeating: 0, count: Self.wordsInPage)
            defer { pages[page] = words }
            guard words[word] & bit == 0 else { return false }
            words[word] |= bit
            return true
        }()
        if isNew { count += 1 }
        return isNew
    }

    /// Whether a number is in it.
    package func contains(_ number: Int64) -> Bool {
        let (page, word, bit) = Self.place(number)
        guard let words = pages[page] else { return false }
        return words[word] & bit != 0
    }

    private static func place(_ number: Int64) -> (page: Int64, word: Int, bit: UInt64) {
        let low = Int(number & (1 << pageShift - 1))
        return (number >> pageShift, low >> 6, 1 << UInt64(low & 63))
    }
}
