import Store
import Synchronization

/// The phases that a store went through.
final class Phases: Sendable {
    private let state = Mutex<[StorePhase]>([])

    func note(_ phase: StorePhase) { state.withLock { $0.append(phase) } }
    var all: [StorePhase] { state.withLock { $0 } }
}
