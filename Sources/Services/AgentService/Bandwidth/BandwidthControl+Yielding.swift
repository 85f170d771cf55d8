import Bandwidth
import LinuxIO

extension BandwidthControl {
    /// How often the disk is looked at while something yields.
    private static let yieldInterval = Duration.seconds(1)
    /// How much programs had to wait for disks, by the kernel's own count (pressure stall information).
    private static let pressureFile = Array("/proc/pressure/io".utf8)
    private static let pressureLimit = 4_096

    /// Receives less while clients have to wait for the disk, see `YieldControl`, until the task is cancelled.
    func yieldToClients() async {
        var last = received
        var lastAt = ContinuousClock.now
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.yieldInterval)
            let (now, bytes) = (ContinuousClock.now, received)
            let seconds = max((now - lastAt) / .seconds(1), 0.001)
            let rate = UInt64(Double(bytes - min(bytes, last)) / seconds)
            (last, lastAt) = (bytes, now)
            yield(to: isYielding ? Self.pressure() : nil, receiving: rate)
        }
    }

    /// The percentage of time that some program waited for a disk; nil where the kernel does not say.
    private static func pressure() -> Double? {
        guard let bytes = try? OpenFile.open(pressureFile).read(pressureLimit, at: 0) else { return nil }
        return YieldControl.pressure(in: String(decoding: bytes, as: UTF8.self))
    }
}
