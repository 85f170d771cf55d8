/// Who may be between the first packet and the greeting: a bounded number of connections, shared out fairly.
///
/// A newcomer always gets a place. When all are taken, the connection that has waited longest of the address that has
/// most of them makes way, so that who floods takes places from itself: an honest peer of another network is never
/// put out while a single network holds more than one place, and one behind the flooder's own address has as long as
/// the flood needs to fill all places anew.
package struct HandshakePlaces: Sendable {
    /// One connection that holds a place.
    private struct Place {
        let number: UInt64
        let network: ArraySlice<UInt8>
        let address: [UInt8]
    }

    private let limit: Int
    /// The oldest first.
    private var places: [Place] = []
    private var last: UInt64 = 0

    /// - Parameter limit: connections that may hold a place at once, at least 1.
    package init(limit: Int) {
        precondition(limit >= 1, "at least one handshake must be possible, not \(limit)")
        self.limit = limit
    }

    /// Places that are taken.
    package var count: Int { places.count }

    /// Takes a place for a connection from `address`: 4 or 16 bytes, as they are on the wire; others count as one.
    /// Returns the number of the place, and that of the connection to close for it, if all places were taken.
    package mutating func take(from address: [UInt8]) -> (number: UInt64, evicted: UInt64?) {
        last += 1
        let place = Place(number: last, network: Self.network(of: address), address: address)
        let evicted = places.count < limit ? nil : evict(for: place)
        places.append(place)
        return (last, evicted)
    }

    /// Frees the place `number`; does nothing if it was freed before.
    package mutating func leave(_ number: UInt64) {
        places.removeAll { $0.number == number }
    }

    private mutating func evict(for newcomer: Place) -> UInt64 {
        let network = Self.busiest(places, newcomer) { $0.network }
        let address = Self.busiest(places.filter { $0.network == network }, newcomer) { $0.address }
        let index = places.firstIndex { $0.network == network && $0.address == address } ?? 0
        return places.remove(at: index).number
    }

    /// What most places have in common, counting the newcomer; of several, the one of the oldest place.
    private static func busiest<Key: Hashable>(
        _ places: [Place], _ newcomer: Place, _ key: (Place) -> Key
    ) -> Key {
        var counts = [key(newcomer): 1]
        for place in places { counts[key(place), default: 0] += 1 }
        var busiest = key(places.first ?? newcomer)
        for place in places where counts[key(place), default: 0] > counts[busiest, default: 0] {
            busiest = key(place)
        }
        return busiest
    }

    /// The part of an address that one owner can easily have all of: /24 of version 4, /48 of version 6.
    private static func network(of address: [UInt8]) -> ArraySlice<UInt8> {
        address.prefix(address.count == 4 ? 3 : 6)
    }
}
