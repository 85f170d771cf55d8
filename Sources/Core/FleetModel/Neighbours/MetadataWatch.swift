/// Decides from whom a host takes the fleet's metadata, and when: a machine that is told what happens and says what to do.
///
/// What counts is the version of the newest timestamp. Greetings of neighbours and answers of the coordinator say which
/// ones there are; neither is believed: documents are fetched, and verified by the caller. Ever so often a neighbour is
/// called, so that a host hears of news also when its coordinator says nothing. Duties of the caller:
/// 1. Run every action; report each fetch with `fetched` or `failed`, once.
/// 2. Say `passed` at the latest when ``nextCall`` has come.
package struct MetadataWatch: Sendable, Hashable {
    /// What happens around the host.
    package enum Event: Sendable, Hashable {
        /// The coordinator, or the file that remembers its last word, says whom to know.
        case appointed(Neighbourhood)
        /// A neighbour greeted with this version.
        case greeted(neighbour: String, version: UInt64)
        /// The coordinator knows of this version.
        case hinted(UInt64)
        /// The host has this version.
        case holds(UInt64)
        /// What the neighbour has was taken, or was no news.
        case fetched(neighbour: String)
        /// The neighbour gave nothing, or what is refused.
        case failed(neighbour: String)
        /// Time passed.
        case passed
    }

    /// What the host does.
    package enum Action: Sendable, Hashable {
        /// Connect, so that both greet.
        case call(Neighbour)
        /// Fetch what is newer and verify it.
        case fetch(from: Neighbour)
    }

    private let callInterval: Duration
    private var neighbours: [Neighbour] = []
    private var held: UInt64 = 0
    private var hint: UInt64 = 0
    private var claims: [String: UInt64] = [:]
    /// Neighbours that gave nothing in this round.
    private var tried: Set<String> = []
    private var isFetching = false
    /// Whose turn it is to be called, and to be asked first for what the coordinator knows.
    private var turn: Int
    /// When a neighbour is called next.
    package private(set) var nextCall: Duration

    /// A host that has nothing yet. `now` is a time since any fixed moment, here and below.
    ///
    /// - Parameters:
    ///   - callInterval: between two calls.
    ///   - turn: any number, each host another one, so that not all ask the same neighbour first.
    package init(callInterval: Duration, turn: Int, now: Duration) {
        self.callInterval = callInterval
        self.turn = turn & 0xFFFF
        nextCall = now + callInterval
    }

    /// Takes what happened; what to do now, in order.
    package mutating func handle(_ event: Event, now: Duration) -> [Action] {
        switch event {
        case .appointed(let neighbourhood):
            neighbours = neighbourhood.bounded.neighbours
            claims = claims.filter { isNeighbour($0.key) }
            tried = tried.filter { isNeighbour($0) }
        case .greeted(let name, let version):
            guard isNeighbour(name) else { break }
            // Who has something new is worth another question.
            if version > claims[name] ?? 0 { tried.remove(name) }
            claims[name] = version
        case .hinted(let version): hint = version
        case .holds(let version):
            if version > held { tried = [] }
            held = version
        case .fetched(let name), .failed(let name):
            isFetching = false
            if isNeighbour(name) { tried.insert(name) }
        case .passed: break
        }
        var actions: [Action] = []
        if now >= nextCall {
            nextCall = now + callInterval
            tried = []
            turn = (turn + 1) & 0xFFFF
            if let next = inTurn.first { actions.append(.call(next)) }
        }
        if !isFetching, let source {
            isFetching = true
            actions.append(.fetch(from: source))
        }
        return actions
    }

    private func isNeighbour(_ name: String) -> Bool { neighbours.contains { $0.name == name } }

    private var inTurn: [Neighbour] {
        guard !neighbours.isEmpty else { return [] }
        let start = turn % neighbours.count
        return Array(neighbours[start...] + neighbours[..<start])
    }

    /// Who claims the newest version above ours, else anybody if the coordinator knows of one; nil: nobody is to be asked.
    private var source: Neighbour? {
        let untried = inTurn.filter { !tried.contains($0.name) }
        let newest = untried.map { claims[$0.name] ?? 0 }.max() ?? 0
        if newest > held { return untried.first { claims[$0.name] == newest } }
        return hint > held ? untried.first : nil
    }
}
