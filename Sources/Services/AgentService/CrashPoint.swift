import Glibc
import Store
import Synchronization

/// Where a crash test wants this program to die: `FLEET_CRASH_AT=PHASE[:N]` ends it by SIGKILL when the store arrives at
/// a phase of docs/formats/store-layout.md for the Nth time (1 unless said). For tests only.
final class CrashPoint: Sendable {
    private static let variable = "FLEET_CRASH_AT"

    private let phase: StorePhase
    private let arrivals: Atomic<Int>

    /// From the environment; nil if it asks for nothing. Throws what is wrong with the text.
    static func fromEnvironment() throws(AgentConfigurationError) -> CrashPoint? {
        guard let value = getenv(variable) else { return nil }
        return try CrashPoint(String(cString: value))
    }

    init(_ text: String) throws(AgentConfigurationError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let phase = StorePhase(rawValue: String(parts[0])),
            let count = parts.count == 1 ? 1 : Int(parts[1]), count > 0
        else {
            throw .badCrashPoint(variable: Self.variable, text)
        }
        self.phase = phase
        arrivals = Atomic(count)
    }

    /// Does not return when it is time.
    func arrive(at phase: StorePhase) {
        guard phase == self.phase, arrivals.wrappingSubtract(1, ordering: .relaxed).newValue == 0 else { return }
        // Nothing of this process runs after it: as after `kill -9`.
        kill(getpid(), SIGKILL)
        while true { pause() }
    }
}
