import Content
import Exploration
import FleetModel
import Hashing
import Testing

/// A mirror, its coordinator that goes away and comes back, an origin that publishes, and a neighbour that lies.
private struct LonelyMirror: ExploredModel {
    static let end = 6
    static let origin = Neighbour(name: "origin", address: NetworkAddress(host: "o", port: 1))
    static let liar = Neighbour(name: "liar", address: NetworkAddress(host: "l", port: 1))

    struct State: Hashable {
        var watch: HeadWatch
        var second = 0
        var failingSince: Int?
        var isCoordinatorUp = true
        var deaths = 0
        var published: UInt64 = 1
        var own: UInt64 = 1
        /// Neighbours with an open connection, and those of them whose newest greeting is still to come.
        var connected: Set<String> = []
        var greetings: Set<String> = []
        var fetches: [Fetch] = []
        var order: HeadClaim?
        var broken: String?
    }

    struct Fetch: Hashable {
        var claim: HeadClaim
        var neighbour: Neighbour
    }

    enum Step: CustomStringConvertible {
        case answer, fail, die, comeBack, publish, greet(String), fetched, synced, pass

        var description: String {
            switch self {
            case .answer: "the coordinator answers a poll"
            case .fail: "a poll fails"
            case .die: "the coordinator goes away"
            case .comeBack: "the coordinator comes back"
            case .publish: "the origin publishes"
            case .greet(let name): "\(name) greets"
            case .fetched: "a release is fetched"
            case .synced: "a sync ends"
            case .pass: "a second passes"
            }
        }
    }

    /// Whether whatever is fetched counts as verified: what this test must find out.
    var believesLies = false

    var start: State {
        var settings = HeadWatch.Settings()
        settings.failedPolls = 2
        settings.silence = .seconds(2)
        settings.callInterval = .seconds(3)
        var state = State(watch: HeadWatch(settings: settings, now: .zero))
        tell(&state, .appointed(Neighbourhood(sets: ["debian"], neighbours: [Self.liar, Self.origin])))
        tell(&state, .holds(set: "debian", sequence: 1))
        return state
    }

    static func claim(_ sequence: UInt64) -> HeadClaim {
        HeadClaim(
            set: "debian", sequence: sequence,
            release: ReleaseDigest(BLAKE3.hash([UInt8(truncatingIfNeeded: sequence)])))
    }

    func steps(in state: State) -> [Step] {
        var steps: [Step] = []
        if state.isCoordinatorUp {
            steps.append(.answer)
            if state.deaths < 2 { steps.append(.die) }
        } else {
            // More failures than make a difference only repeat a state.
            if !state.watch.isAlone(at: .seconds(state.second)) { steps.append(.fail) }
            if state.deaths < 2 { steps.append(.comeBack) }
        }
        if state.published < 3 { steps.append(.publish) }
        steps += state.greetings.sorted().map { .greet($0) }
        if !state.fetches.isEmpty { steps.append(.fetched) }
        if state.order != nil { steps.append(.synced) }
        if state.second < Self.end { steps.append(.pass) }
        return steps
    }

    func after(_ step: Step, in state: State) -> State {
        var state = state
        switch step {
        case .answer:
            state.failingSince = nil
            tell(&state, .pollAnswered)
        case .fail:
            state.failingSince = state.failingSince ?? state.second
            tell(&state, .pollFailed)
        case .die:
            state.isCoordinatorUp = false
            state.deaths += 1
        case .comeBack: state.isCoordinatorUp = true
        case .publish:
            state.published += 1
            if state.connected.contains("origin") { state.greetings.insert("origin") }
        case .greet(let name):
            state.greetings.remove(name)
            tell(&state, .greeted(neighbour: name, heads: [Self.claim(name == "liar" ? 9 : state.published)]))
        case .fetched:
            let fetch = state.fetches.removeFirst()
            let isTrue = fetch.neighbour == Self.origin || believesLies
            tell(
                &state, isTrue ? .verified(fetch.claim) : .refused(fetch.claim, neighbour: fetch.neighbour.name))
        case .synced:
            state.own = state.order?.sequence ?? 0
            state.order = nil
            tell(&state, .holds(set: "debian", sequence: state.own))
        case .pass:
            state.second += 1
            tell(&state, .passed)
        }
        return state
    }

    private func tell(_ state: inout State, _ event: HeadWatch.Event) {
        let now = Duration.seconds(state.second)
        for action in state.watch.handle(event, now: now) {
            if !state.watch.isAlone(at: now) { state.broken = "it acts while the coordinator is not known to be away" }
            switch action {
            case .call(let neighbour):
                if state.connected.insert(neighbour.name).inserted { state.greetings.insert(neighbour.name) }
            case .fetch(let claim, let neighbour):
                if !state.fetches.isEmpty { state.broken = "it fetches two releases of a set at once" }
                state.fetches.append(Fetch(claim: claim, neighbour: neighbour))
            case .follow(let claim, let sources):
                if claim.sequence <= state.own { state.broken = "it follows \(claim.sequence), and holds \(state.own)" }
                if claim.sequence > state.published { state.broken = "it follows a release that was never published" }
                if sources.isEmpty { state.broken = "it follows a release that nobody has" }
                state.order = claim
            }
        }
    }

    func brokenPromise(in state: State) -> String? { state.broken }

    /// With the coordinator away for long enough the mirror holds what was published; else that is not its business.
    func isSettled(_ state: State) -> Bool {
        let canBeAlone = !state.isCoordinatorUp && Self.end - (state.failingSince ?? state.second) >= 2
        return state.own == state.published || !canBeAlone
    }
}

@Suite("Every interleaving of a mirror without its coordinator")
struct HeadWatchExplorationTests {
    @Test("It moves only alone, only forward, only to what was published, and it always gets there")
    func everyInterleaving() {
        let exploration = Exploration(LonelyMirror(), stateLimit: 2_000_000)
        #expect(exploration.failure == nil, "\(exploration.failure.map(String.init(describing:)) ?? "")")
        print("\(exploration.stateCount) states, \(exploration.stepCount) steps")
        #expect(exploration.stateCount > 1_000)
    }

    @Test("A mirror that believed every claim would be found out")
    func believing() {
        let exploration = Exploration(LonelyMirror(believesLies: true), stateLimit: 2_000_000)
        #expect(exploration.failure?.promise == "it follows a release that was never published")
    }
}
