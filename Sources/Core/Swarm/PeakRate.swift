/// The most bytes a second of late: of windows of time, the highest, which decays.
struct PeakRate: Sendable {
    private static let window = 0.5
    private static let decay = 0.1
    /// A window also ends early, so that a fast path is known for what it is before much has gone over it.
    private static let earlyWindow = 0.02
    private static let earlyBytes = 8 << 20

    private(set) var bytesPerSecond: Double
    private var began = 0.0
    private var bytes = 0

    /// - Parameter assumed: until a window was measured.
    init(assumed: Double) { bytesPerSecond = assumed }

    mutating func count(_ count: Int, at now: Double) {
        advance(to: now)
        bytes += count
    }

    mutating func advance(to now: Double) {
        let age = now - began
        guard age >= Self.window || age >= Self.earlyWindow && bytes >= Self.earlyBytes else { return }
        let kept = bytes == 0 ? 1 : 1 - Self.decay * min(1, age / Self.window)
        bytesPerSecond = max(Double(bytes) / age, bytesPerSecond * kept)
        began = now
        bytes = 0
    }
}
