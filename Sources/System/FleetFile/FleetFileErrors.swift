import FleetModel

/// Everything that is wrong in one file, sorted by place.
package struct FleetFileErrors: Error, Sendable, Equatable, CustomStringConvertible {
    /// One mistake.
    package struct Mistake: Sendable, Hashable, CustomStringConvertible {
        /// The file, as the caller named it.
        package var file: String
        /// The line, from 1.
        package var line: Int
        /// The column in characters, from 1.
        package var column: Int
        /// What is wrong.
        package var message: String
        /// What to do.
        package var remedy: String

        /// Makes the mistake from its parts.
        package init(file: String, line: Int, column: Int, message: String, remedy: String) {
            self.file = file
            self.line = line
            self.column = column
            self.message = message
            self.remedy = remedy
        }

        /// `file:line:column: what, what to do`.
        package var description: String { "\(file):\(line):\(column): \(message), \(remedy)" }
    }

    /// At least one.
    package var mistakes: [Mistake]

    /// Takes the mistakes as they are.
    package init(mistakes: [Mistake]) { self.mistakes = mistakes }

    /// Gives every mistake the file's name.
    init(_ mistakes: FleetModel.Mistakes, file: String) {
        self.mistakes = mistakes.list.map {
            Mistake(file: file, line: $0.place.line, column: $0.place.column, message: $0.what, remedy: $0.remedy)
        }
    }

    /// One mistake a line.
    package var description: String { mistakes.map(\.description).joined(separator: "\n") }
}
