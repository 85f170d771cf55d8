import NIOCore

/// The requests that wait for something to happen.
///
/// Every one ends exactly once: woken by what it waits for, by its deadline, by its connection's end, or by shutdown.
struct LongPolls {
    /// What is waited for.
    enum Topic: Hashable {
        /// A plan for that mirror, or a call for a fresh report.
        case assignments(mirror: String)
        /// Any change of the fleet's status.
        case status
        /// A report, while a plan is being ordered.
        case reports
    }

    private struct Poll {
        var topic: Topic
        var connection: UInt64?
        var continuation: CheckedContinuation<Void, Never>
    }

    private var polls: [UInt64: Poll] = [:]
    /// Open polls of one topic, so that waking one mirror does not look at all of them.
    private var byTopic: [Topic: Set<UInt64>] = [:]

    /// Number of open polls of a topic.
    func count(_ topic: Topic) -> Int {
        byTopic[topic]?.count ?? 0
    }

    /// Mirrors with an open poll of their assignments.
    var pollingMirrors: Set<String> {
        byTopic.keys.reduce(into: []) { mirrors, topic in
            if case .assignments(let mirror) = topic { mirrors.insert(mirror) }
        }
    }

    /// Adds a poll under a number that no other ever had.
    mutating func add(
        _ number: UInt64, topic: Topic, connection: UInt64?, continuation: CheckedContinuation<Void, Never>
    ) {
        precondition(polls[number] == nil, "poll \(number) is there already")
        polls[number] = Poll(topic: topic, connection: connection, continuation: continuation)
        byTopic[topic, default: []].insert(number)
    }

    /// Ends one poll; nothing if it has ended.
    mutating func wake(_ number: UInt64) {
        guard let poll = polls.removeValue(forKey: number) else { return }
        byTopic[poll.topic]?.remove(number)
        if byTopic[poll.topic]?.isEmpty == true { byTopic[poll.topic] = nil }
        poll.continuation.resume()
    }

    /// Ends every poll of a topic.
    mutating func wake(_ topic: Topic) {
        for number in byTopic[topic] ?? [] { wake(number) }
    }

    /// Ends every poll of assignments of which `isConcerned`.
    mutating func wakeAssignments(where isConcerned: (String) -> Bool) {
        for mirror in pollingMirrors where isConcerned(mirror) {
            wake(.assignments(mirror: mirror))
        }
    }

    /// Ends the polls of a connection that is gone.
    mutating func wake(connection: UInt64) {
        for (number, poll) in polls where poll.connection == connection { wake(number) }
    }

    /// Ends all of them.
    mutating func wakeAll() {
        for number in Array(polls.keys) { wake(number) }
    }
}
