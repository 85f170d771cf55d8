/// Which requests for chunks a host answers at the same time: so many in all, of one peer, of one set.
///
/// Pure. Whoever finds no slot is told when to ask again; nobody waits in a queue here, so a host that asks much costs
/// nothing but its refusals.
package struct UploadSlots: Hashable, Sendable {
    /// The limits.
    package struct Limits: Hashable, Sendable {
        package var total: Int
        package var ofPeer: Int
        /// By set; a set that is not named has no limit of its own.
        package var ofSet: [String: Int]

        package init(total: Int, ofPeer: Int, ofSet: [String: Int] = [:]) {
            self.total = total
            self.ofPeer = ofPeer
            self.ofSet = ofSet
        }
    }

    /// How long whoever is refused should wait: about what a block takes at 4 Mbit/s.
    package static let pause = Duration.milliseconds(500)
    /// The longest wait that anybody is told, or believes.
    package static let longestPause = Duration.seconds(60)

    /// May change at any time; requests that are being answered go on.
    package var limits: Limits
    private var total = 0
    private var ofPeer: [String: Int] = [:]
    private var ofSet: [String: Int] = [:]

    package init(_ limits: Limits) { self.limits = limits }

    /// Takes a slot; false if there is none.
    package mutating func take(peer: String, set: String) -> Bool {
        guard total < limits.total, ofPeer[peer, default: 0] < limits.ofPeer,
            ofSet[set, default: 0] < limits.ofSet[set] ?? .max
        else { return false }
        total += 1
        ofPeer[peer, default: 0] += 1
        ofSet[set, default: 0] += 1
        return true
    }

    /// Gives a slot back that was taken.
    package mutating func leave(peer: String, set: String) {
        precondition(total > 0 && ofPeer[peer] != nil && ofSet[set] != nil, "no slot of \(peer) for \(set) was taken")
        total -= 1
        for (key, path) in [(peer, \UploadSlots.ofPeer), (set, \UploadSlots.ofSet)] {
            let left = self[keyPath: path][key, default: 1] - 1
            self[keyPath: path][key] = left > 0 ? left : nil
        }
    }

    // MARK: What a refusal says

    private static let words = "busy, retry after "

    /// The reason of a refusal.
    package static var refusal: String { words + "\(pause.components.attoseconds / 1_000_000_000_000_000) ms" }

    /// The wait that the reason of a refusal asks for; nil if it asks for none. No more than ``longestPause``, whatever it
    /// says.
    package static func wait(in reason: String) -> Duration? {
        guard reason.hasPrefix(words), reason.hasSuffix(" ms"),
            let number = Int(reason.dropFirst(words.count).dropLast(3)), number > 0
        else { return nil }
        return min(.milliseconds(number), longestPause)
    }
}
