/// How much a host receives while its clients have to wait for its disk: less and less, and more again when they do not.
///
/// Pure: the share of time that programs waited for the disk, and what was received, go in; a limit comes out. It is halved
/// each time that the share is above the mark, and grows by a quarter each time that it is below.
package struct YieldControl: Hashable, Sendable {
    /// However busy the disk is, a sync goes on at this pace: bytes a second.
    package static let floor: UInt64 = 1_000_000
    /// Below this share of the mark it grows again; between nothing changes, so that it does not swing.
    private static let lowPercent = 75

    /// The mark, in percent; nil: nothing ever yields.
    package var abovePercent: Int?
    /// Bytes a second; nil: no limit.
    package private(set) var limit: UInt64?

    package init(abovePercent: Int?) { self.abovePercent = abovePercent }

    /// Takes a measurement.
    /// - Parameters:
    ///   - pressure: the percentage of time that some program waited for the disk; nil: the system does not say.
    ///   - receiving: bytes a second that the host received meanwhile.
    package mutating func measured(pressure: Double?, receiving: UInt64) {
        guard let abovePercent, let pressure else {
            limit = nil
            return
        }
        if pressure > Double(abovePercent) {
            // What it does now, halved; where it does little, it is not what the disk waits for.
            let base = limit.map { min($0, max(receiving, Self.floor)) } ?? receiving
            guard base > Self.floor || limit != nil else { return }
            limit = max(base / 2, Self.floor)
        } else if let current = limit, pressure * 100 < Double(abovePercent * Self.lowPercent) {
            let grown = current + current / 4
            // So far above what is used, it limits nothing any more.
            limit = grown > 4 * max(receiving, Self.floor) ? nil : grown
        }
    }

    /// The share of the last ten seconds in which some program waited for the disk, from the text of /proc/pressure/io;
    /// nil if it is none.
    package static func pressure(in text: String) -> Double? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("some ") }),
            let field = line.split(separator: " ").first(where: { $0.hasPrefix("avg10=") }),
            let value = Double(field.dropFirst("avg10=".count)), value >= 0, value <= 100
        else { return nil }
        return value
    }
}
