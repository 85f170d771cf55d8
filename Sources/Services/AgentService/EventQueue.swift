import Synchronization

/// What happened around a machine and was not told to it yet: added from anywhere, taken all at once by the one who runs
/// the machine.
final class EventQueue<Event: Sendable>: Sendable {
    private let events = Mutex<[Event]>([])
    /// Raised when there are events, and by whoever has another reason to wake the machine.
    let news = Signal()

    /// Adds an event, in place of those that `isReplaced` holds for: a peer that says the same without pause is kept once.
    func add(_ event: Event, replacing isReplaced: (Event) -> Bool = { _ in false }) {
        events.withLock { events in
            events.removeAll(where: isReplaced)
            events.append(event)
        }
        news.raise()
    }

    /// All events in the order in which they came; none is there any more.
    func takeAll() -> [Event] {
        events.withLock { events in
            defer { events = [] }
            return events
        }
    }
}
