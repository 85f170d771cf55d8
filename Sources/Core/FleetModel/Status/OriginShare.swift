/// How often the origin of a set sent a release: the figure that a swarm keeps near one.
package struct OriginShare: Sendable, Hashable {
    /// Bytes that the origin sent, to all mirrors together.
    package let bytes: UInt64
    /// How often that is what the mirror that received most received; nil when nothing was received.
    package let copies: Double?

    /// The share of `origin` in what mirrors received, each by the names of its sources.
    package init(origin: String, received: [[String: UInt64]]) {
        let most = received.map { $0.values.reduce(0, &+) }.max() ?? 0
        bytes = received.reduce(0) { $0 &+ ($1[origin] ?? 0) }
        copies = most == 0 ? nil : Double(bytes) / Double(most)
    }
}
