/// One thing that is wrong in a configuration file.
package struct Mistake: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Where.
    package var place: TextPlace
    /// What is wrong.
    package var what: String
    /// What to do.
    package var remedy: String

    /// Makes the mistake from its parts.
    package init(_ place: TextPlace, _ what: String, _ remedy: String) {
        self.place = place
        self.what = what
        self.remedy = remedy
    }

    /// `line:column: what, what to do`.
    package var description: String { "\(place): \(what), \(remedy)" }

    /// By place, then by text, so that a list of them is always in the same order.
    package static func < (left: Mistake, right: Mistake) -> Bool {
        (left.place, left.what, left.remedy) < (right.place, right.what, right.remedy)
    }
}

/// Everything that is wrong in a configuration file, sorted by place; never empty.
package struct Mistakes: Error, Sendable, Equatable {
    /// Sorted by place.
    package var list: [Mistake]

    /// Sorts the mistakes and drops what is said twice.
    package init(_ mistakes: [Mistake]) {
        list = []
        for mistake in mistakes.sorted() where list.last != mistake { list.append(mistake) }
    }
}

/// Collects mistakes while a file is read, so that the operator sees all of them at once.
final class MistakeList {
    /// More would only scroll the first ones away.
    private static let limit = 100

    private(set) var mistakes: [Mistake] = []

    var isEmpty: Bool { mistakes.isEmpty }

    func add(_ place: TextPlace, _ what: String, _ remedy: String) {
        guard mistakes.count < Self.limit else { return }
        mistakes.append(Mistake(place, what, remedy))
    }
}
