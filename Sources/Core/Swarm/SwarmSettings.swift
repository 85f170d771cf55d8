/// The parameters of a swarm, each with the figure that it comes from (docs/decisions/0014-swarm.md).
package struct SwarmSettings: Hashable, Sendable {
    /// How far ahead of its deliveries a source is asked, beyond the round trip: what it owes to all its neighbours waits
    /// in one queue, so that an answer takes some 200 ms on full links. With that much alone mirrors wait for each other:
    /// 8 of them took 1.21 of the ideal time over real links, with twice as much 1.16.
    package var pipe = Duration.milliseconds(400)
    /// How much more than a mirror takes in that time it asks all its sources for together: some of them are slower than
    /// they were, and its line must not wait for those.
    package var overlap = 2.5
    /// Silence of a source that owes something, after which others are asked. Silence, not slowness, is the signal.
    package var stall = Duration.seconds(2)
    /// The least time after which a single request counts as late.
    package var lateAfter = Duration.seconds(2)
    /// How long the first pause of a source that was silent is; doubled each time.
    package var firstPause = Duration.seconds(2)
    /// Requests under way at one source.
    package var requestsPerSource = 32
    /// Bytes a second that are assumed until something was measured.
    package var assumedRate = 12.5e6
    /// What counts in the choice of a source.
    package var choose = SourceChoice()
    /// Gains are told to neighbours together, at most this late. At 100 Mbit/s a block comes every 20 ms.
    package var announceDelay = Duration.milliseconds(20)
    /// So many bytes of gains are told at once: the origin leases by what it hears, and on a fast path 10 ms are most of
    /// what a lease takes.
    package var announceBytes = 1 << 20
    /// Blocks that a source delivers within this time are asked for together, up to ``joinedBytes``: each request costs
    /// both ends some ten switches between threads.
    package var joinedTime = Duration.milliseconds(5)
    package var joinedBytes = 1 << 20
    /// How long a block may be seen in another region only, and its gateway may bring nothing across, before another host
    /// fetches it; four times as long as a block takes there, if that is more.
    package var stealAfter = Duration.seconds(2)
    /// Bytes a second that a host of another region is assumed to deliver, and a gateway to bring across, until that was
    /// measured: a quarter of 20 Mbit/s.
    package var assumedCrossRate = 0.625e6
    /// Blocks fetched from other regions that no host of this region has confirmed.
    package var crossLimit = 32
    /// A host of the region that has told nothing for so long is no gateway while others are.
    package var suspectAfter = Duration.seconds(5)
    /// Hosts of a region that fetch from others.
    package var gateways = 4

    package init() {}
}
