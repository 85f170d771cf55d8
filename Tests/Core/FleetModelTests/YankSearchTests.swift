import FleetModel
import Testing

@Suite struct YankSearchTests {
    private static func neighbour(_ name: String) -> Neighbour {
        Neighbour(name: name, address: NetworkAddress(host: "127.0.0.1", port: 7444))
    }

    private let first = Self.neighbour("m1")
    private let second = Self.neighbour("m2")

    /// A search that is told one thing after the other.
    private final class Told {
        private var search = YankSearch()

        func begin() { search.begin() }
        func greeted(by neighbour: Neighbour) -> Bool { search.greeted(by: neighbour) }
        func asked(isMissing: Bool) -> Neighbour? { search.asked(isMissing: isMissing) }
    }

    @Test("Who greets while others are asked is asked next, if a list is missing still")
    func greetingsInBetween() {
        let search = Told()
        search.begin()
        #expect(!search.greeted(by: second))
        #expect(search.asked(isMissing: true) == second)
        // Once: without another greeting the search ends, and the next greeting begins one.
        #expect(search.asked(isMissing: true) == nil)
        #expect(search.greeted(by: first))
    }

    @Test("With nothing missing a greeting asks for nothing")
    func nothingMissing() {
        let search = Told()
        #expect(!search.greeted(by: first))
        search.begin()
        #expect(!search.greeted(by: first))
        #expect(search.asked(isMissing: false) == nil)
        #expect(!search.greeted(by: first))
        // What came before is not remembered for the next search.
        search.begin()
        #expect(search.asked(isMissing: true) == nil)
    }

    @Test("Of two searches one goes on with who greeted, and the other ends")
    func twoSearches() {
        let search = Told()
        search.begin()
        search.begin()
        #expect(!search.greeted(by: second))
        #expect(search.asked(isMissing: true) == second)
        #expect(search.asked(isMissing: true) == nil)
        #expect(!search.greeted(by: first))
        #expect(search.asked(isMissing: true) == first)
        #expect(search.asked(isMissing: false) == nil)
        #expect(!search.greeted(by: first))
    }
}
