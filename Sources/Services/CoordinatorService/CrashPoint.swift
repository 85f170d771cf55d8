import Glibc
import Synchronization

/// Where a crash test wants this program to die: `FLEET_CRASH_AT=PHASE[:N]` ends it by SIGKILL when the coordinator
/// arrives at a phase for the Nth time (1 unless said). For tests only.
final class CrashPoint: Sendable {
    private static let variable = "FLEET_CRASH_AT"

    private let phase: CoordinatorPhase
    private let arrivals: Atomic<Int>

    /// From the environment; nil if it asks for nothing. Throws `StartError.usage` with what is wrong with the text.
    static func fromEnvironment() throws(StartError) -> CrashPoint? {
        guard let value = getenv(variable) else { return nil }
        let text = String(cString: value)
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let phase = CoordinatorPhase(rawValue: String(parts[0])),
            let count = parts.count == 1 ? 1 : Int(parts[1]), count > 0
        else {
            let phases = CoordinatorPhase.allCases.map(\.rawValue).joined(separator: ", ")
            throw .usage(message: "\(variable)=\(text) is not PHASE or PHASE:N with one of \(phases)")
        }
        return CrashPoint(phase, count: count)
    }

    private init(_ phase: CoordinatorPhase, count: Int) {
        self.phase = phase
        arrivals = Atomic(count)
    }

    /// Does not return when it is time.
    func arrive(at phase: CoordinatorPhase) {
        guard phase == self.phase, arrivals.wrappingSubtract(1, ordering: .relaxed).newValue == 0 else { return }
        // Nothing of this process runs after it: as after `kill -9`.
        kill(getpid(), SIGKILL)
        while true { pause() }
    }
}
