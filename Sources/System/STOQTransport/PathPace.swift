package import STOQ

/// How fast a path takes what is sent while there is always more, and so how much may wait on it before something urgent.
///
/// What a connection has handed to the kernel cannot be overtaken any more. On a slow path frames of the usual length, and
/// the usual queue in the kernel, are tens of milliseconds each; this keeps them to a few, whatever the path.
package struct PathPace: Sendable {
    /// How long a frame may take.
    private static let frameTime = 0.004
    /// How long what the kernel holds beyond what is under way may take: longer than this side takes to bring more, also
    /// on a busy machine.
    private static let unsentTime = 0.005
    /// Frames of less are mostly headers and calls of the kernel.
    private static let frameFloor = 16 << 10
    private static let unsentFloor = 64 << 10
    /// What there is without a measurement, and at most.
    private static let frameCeiling = 128 << 10
    private static let unsentCeiling = 128 << 10
    /// Over which the rate is measured: some frames, also on a slow path.
    private static let window = Duration.milliseconds(50)
    /// What one more window counts.
    private static let weight = 0.5
    /// In these steps, so that options of sockets are seldom set.
    private static let step = 16 << 10

    /// When the path was found full, and has been since; nil: it takes what there is.
    private var fullSince: STOQTime?
    private var bytes = 0
    /// Bytes a second; nil before the first measurement.
    package private(set) var rate: Double?

    /// A pace that nothing is known of.
    package init() {}

    /// How long frames should be.
    package var frameBytes: Int {
        Self.steps(Self.frameTime, of: rate, Self.frameFloor...Self.frameCeiling)
    }

    /// What the kernel should hold of what is not under way.
    package var unsentBytes: Int {
        Self.steps(Self.unsentTime, of: rate, Self.unsentFloor...Self.unsentCeiling)
    }

    /// So many bytes were written.
    package mutating func wrote(_ count: Int) { bytes += count }

    /// Nothing more is written for now, because the path is full, or because there is nothing.
    package mutating func paused(isFull: Bool, now: STOQTime) {
        guard isFull else {
            fullSince = nil
            return
        }
        guard let since = fullSince else { return begin(now) }
        let elapsed = now.elapsed(since: since)
        guard elapsed >= Self.window else { return }
        let measured = Double(bytes) / (elapsed / .seconds(1))
        rate = rate.map { $0 + Self.weight * (measured - $0) } ?? measured
        begin(now)
    }

    private mutating func begin(_ now: STOQTime) {
        fullSince = now
        bytes = 0
    }

    private static func steps(_ seconds: Double, of rate: Double?, _ range: ClosedRange<Int>) -> Int {
        guard let rate else { return range.upperBound }
        let wanted = min(seconds * rate, Double(range.upperBound))
        return max(Int(wanted) / step * step, range.lowerBound)
    }
}
