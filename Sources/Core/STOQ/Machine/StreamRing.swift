/// Streams waiting for their turn, first come, first served.
struct StreamRing: Sendable {
    private var slots: [STOQStreamID] = []
    private var head = 0

    var isEmpty: Bool { head == slots.count }
    var count: Int { slots.count - head }
    var first: STOQStreamID? { isEmpty ? nil : slots[head] }

    mutating func append(_ stream: STOQStreamID) {
        slots.append(stream)
    }

    mutating func keep(where isWanted: (STOQStreamID) -> Bool) {
        slots = slots[head...].filter(isWanted)
        head = 0
    }

    mutating func removeFirst() {
        head += 1
        // Moves what is left only when half of the array is spent, so each stream is moved about once.
        if head == slots.count || (head > 64 && head * 2 > slots.count) {
            slots.removeSubrange(..<head)
            head = 0
        }
    }
}
