import STOQ
import TestSupport
import Testing

@Suite struct HandshakePlacesTests {
    @Test("a newcomer always gets a place, and there are never more than the limit")
    func bounded() {
        var random = SplitMix64(seed: 5)
        var places = HandshakePlaces(limit: 8)
        var holding: Set<UInt64> = []
        for _ in 0..<20_000 {
            if random.next() % 3 == 0, let number = holding.min() {
                places.leave(number)
                places.leave(number)
                holding.remove(number)
                continue
            }
            let address: [UInt8] = [10, 0, UInt8(random.next() % 3), UInt8(random.next() % 5)]
            let (number, evicted) = places.take(from: random.next() % 4 == 0 ? [] : address)
            if let evicted { #expect(holding.remove(evicted) != nil, "who makes way held a place") }
            #expect(holding.insert(number).inserted)
            #expect(places.count == holding.count && places.count <= 8)
        }
    }

    @Test("who floods from one network takes places from itself only, however many addresses it has")
    func flooder() {
        var places = HandshakePlaces(limit: 16)
        let honest = [[192, 0, 2, 1], [192, 0, 2, 2], [198, 51, 100, 7]].map { places.take(from: $0).number }
        let six: [UInt8] = [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        let sixth = places.take(from: six).number
        for round in 0..<10_000 {
            let (_, evicted) = places.take(from: [203, 0, 113, UInt8(round % 256)])
            #expect(evicted.map { !honest.contains($0) && $0 != sixth } ?? true)
        }
        #expect(places.count == 16)
    }

    @Test("within a network, the busiest address makes way before its neighbours")
    func neighbour() {
        var places = HandshakePlaces(limit: 4)
        let neighbour = places.take(from: [10, 1, 1, 1]).number
        for _ in 0..<1_000 {
            #expect(places.take(from: [10, 1, 1, 2]).evicted != neighbour)
        }
        let late = places.take(from: [10, 1, 1, 3])
        #expect(late.evicted != nil && late.evicted != neighbour)
    }

    @Test("among equals the oldest makes way")
    func oldest() {
        var places = HandshakePlaces(limit: 3)
        let numbers = (1...3).map { places.take(from: [10, UInt8($0), 0, 1]).number }
        #expect(places.take(from: [10, 9, 0, 1]).evicted == numbers[0])
        places.leave(numbers[1])
        #expect(places.take(from: [10, 9, 0, 2]).evicted == nil)
    }
}
