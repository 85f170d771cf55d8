import FleetModel
import Testing

private func neighbour(_ name: String) -> Neighbour {
    Neighbour(name: name, address: NetworkAddress(host: name, port: 1))
}

private let everybody = Neighbourhood(neighbours: ["a", "b", "c"].map(neighbour))

@Suite("From whom a host takes metadata, and when")
struct MetadataWatchTests {
    /// A host that has version 5 and knows a, b and c; `a` is called first.
    private func watch() -> MetadataWatch {
        var watch = MetadataWatch(callInterval: .seconds(60), turn: 2, now: .zero)
        #expect(watch.handle(.appointed(everybody), now: .zero) == [])
        #expect(watch.handle(.holds(5), now: .zero) == [])
        return watch
    }

    @Test("Whoever greets with something newer is asked, the newest first, one at a time")
    func greeted() {
        var watch = watch()
        #expect(watch.handle(.greeted(neighbour: "a", version: 5), now: .zero) == [])
        #expect(watch.handle(.greeted(neighbour: "stranger", version: 9), now: .zero) == [])
        #expect(watch.handle(.greeted(neighbour: "b", version: 6), now: .zero) == [.fetch(from: neighbour("b"))])
        #expect(watch.handle(.greeted(neighbour: "c", version: 8), now: .zero) == [])
        #expect(watch.handle(.failed(neighbour: "b"), now: .zero) == [.fetch(from: neighbour("c"))])
        #expect(watch.handle(.holds(8), now: .zero) == [])
        #expect(watch.handle(.fetched(neighbour: "c"), now: .zero) == [])
    }

    @Test("Who gave nothing is not asked again in this round, unless it has something newer still")
    func refused() {
        var watch = watch()
        #expect(watch.handle(.greeted(neighbour: "b", version: 9), now: .zero) == [.fetch(from: neighbour("b"))])
        #expect(watch.handle(.failed(neighbour: "b"), now: .zero) == [])
        #expect(watch.handle(.greeted(neighbour: "b", version: 9), now: .zero) == [])
        #expect(watch.handle(.greeted(neighbour: "b", version: 10), now: .zero) == [.fetch(from: neighbour("b"))])
        #expect(watch.handle(.failed(neighbour: "b"), now: .zero) == [])
        // The next round asks everybody again.
        #expect(
            watch.handle(.passed, now: .seconds(60)) == [.call(neighbour("a")), .fetch(from: neighbour("b"))])
    }

    @Test("What the coordinator knows is looked for at one neighbour after the other, and no further when it is here")
    func hinted() {
        var watch = watch()
        #expect(watch.handle(.hinted(5), now: .zero) == [])
        #expect(watch.handle(.hinted(6), now: .zero) == [.fetch(from: neighbour("c"))])
        #expect(watch.handle(.fetched(neighbour: "c"), now: .zero) == [.fetch(from: neighbour("a"))])
        #expect(watch.handle(.holds(6), now: .zero) == [])
        #expect(watch.handle(.fetched(neighbour: "a"), now: .zero) == [])
    }

    @Test("Neighbours are called in turn, each interval one; whoever is no neighbour any more is forgotten")
    func turns() {
        var watch = watch()
        #expect(watch.handle(.passed, now: .seconds(59)) == [])
        #expect(watch.handle(.passed, now: .seconds(60)) == [.call(neighbour("a"))])
        #expect(watch.nextCall == .seconds(120))
        #expect(watch.handle(.passed, now: .seconds(119)) == [])
        #expect(watch.handle(.passed, now: .seconds(121)) == [.call(neighbour("b"))])
        #expect(watch.handle(.greeted(neighbour: "b", version: 9), now: .seconds(121)).count == 1)
        #expect(watch.handle(.appointed(Neighbourhood()), now: .seconds(122)) == [])
        #expect(watch.handle(.failed(neighbour: "b"), now: .seconds(122)) == [])
        #expect(watch.handle(.appointed(everybody), now: .seconds(122)) == [])
    }
}
