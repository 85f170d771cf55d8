/// Decides when neighbours are asked for lists of yanked paths that are signed and not in force here.
///
/// Metadata travels ahead of the lists that it names: who is asked at once may not have them yet, and greets again when he
/// has. A greeting that comes while others are still being asked must not be lost, or nobody is asked any more.
package struct YankSearch: Sendable, Hashable {
    /// How many searches are under way.
    private var running = 0
    /// Whether a list was still missing when the last search ended.
    private var isMissing = false
    /// Who greeted last while a search was under way.
    private var greeter: Neighbour?

    /// Nothing is missing, as far as anybody knows.
    package init() {}

    /// A search begins.
    package mutating func begin() { running += 1 }

    /// A neighbour greeted; whether a search is to begin with it.
    package mutating func greeted(by neighbour: Neighbour) -> Bool {
        guard running == 0 else {
            greeter = neighbour
            return false
        }
        return isMissing
    }

    /// A search has asked everybody; who greeted meanwhile, if a list is missing still: the search goes on with him. Else
    /// it has ended.
    package mutating func asked(isMissing: Bool) -> Neighbour? {
        self.isMissing = isMissing
        let next = isMissing ? greeter : nil
        greeter = nil
        if next == nil { running -= 1 }
        return next
    }
}
