/// Sources that have no slot now, and say when to ask again.
extension SwarmMachine {
    /// A source has no slot for requests that were asked together: it is asked for nothing until then, others are asked meanwhile, and nothing is
    /// held against it. What it leased to this host is asked for again when the time is over.
    package mutating func refused(requests: [UInt64], for wait: Duration, now: Duration) -> [Action] {
        let ended = requests.compactMap { close($0) }
        guard let id = ended.first?.0 else { return [] }
        let until = (now + wait).seconds
        sources[id]?.busyUntil = until
        if sources[id]?.isOrigin == true {
            for (_, open) in ended where leased[open.block] { put(off: open.block, at: id, until: until) }
        }
        return act(now)
    }

    /// Asks again for leases whose time to wait is over.
    mutating func retryLeases(_ now: Double) -> [Action] {
        let due = takeLeasesDue(at: now)
        return due.compactMap { block, source in
            guard leased[block], wanted[block], asked[block] == 0, sources[source] != nil else { return nil }
            return ask(source, block, now)
        }
    }
}
