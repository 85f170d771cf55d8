/// Every limit of the coordinator, with the reason for its value.
package struct CoordinatorLimits: Sendable {
    /// Bytes of a report's request: a signed report is at most 1 MiB, base64 adds a third.
    package var reportBytes = 3 << 19
    /// Bytes of a registration: a document of at most 64 KiB, and metadata, of which a hundred sets with hybrid keys have
    /// 2 MiB; base64 adds a third.
    package var releaseBytes = 8 << 20
    /// Bytes of an order for a plan: 10,000 mirrors by name.
    package var orderBytes = 1 << 20
    /// Bytes of a declaration of a term: a signed term is below 9 KiB, base64 adds a third.
    package var termBytes = 16 << 10
    /// Bytes of a join, which anybody may send: a secret and a request of at most 4 KiB; base64 adds a third.
    package var joinBytes = 8 << 10
    /// Bytes of an enrolment: a root of at most 512 KiB; base64 adds a third.
    package var enrolmentBytes = 1 << 20
    /// Bytes of a list of standings, at most 4 MiB; base64 adds a third.
    package var standingBytes = 6 << 20
    /// Bytes of a fleet.yaml, of which at most 1 MiB is read; base64 adds a third.
    package var policyBytes = 3 << 19
    /// Time for a request's body to arrive, so that no slow sender holds a request open.
    package var bodyDeadline: Duration = .seconds(15)
    /// Time for a peer to take what is waiting of its answers: longer than any client of ours waits for one, so that who
    /// stops reading holds no connection.
    package var answerDeadline: Duration = .seconds(90)
    /// Bytes of one header field, and of all of them; ours have less than 300.
    package var headerBytes = 8 << 10
    /// Number of header fields.
    package var headerFields = 64
    /// From the beginning of a connection until TLS has verified its peer, however often it says something meanwhile.
    package var handshakeDeadline: Duration = .seconds(10)
    /// What a connection without a certificate has for all that it may do, which is to join.
    package var anonymousDeadline: Duration = .seconds(20)
    /// A connection without a request is closed after this time; longer than a client keeps one.
    package var idleTimeout: Duration = .seconds(90)
    /// Open connections: a long poll and a call for each of 4,000 hosts.
    package var connections = 8_192
    /// Longest wait of a long poll; below the minute after which many firewalls forget a silent connection.
    package var longestWait: Duration = .seconds(60)
    /// Open long polls of status: operators and their dashboards.
    package var statusPolls = 256
    /// Orders for a plan at work at a time: each may wait for reports.
    package var openOrders = 16
    /// Longest wait for fresh reports.
    package var longestRefresh: Duration = .seconds(30)
    /// A mirror whose poll ended less than this ago is about to poll again, and counts as reachable.
    package var pollGap: Duration = .seconds(2)
    /// Sequences of a set for which it is kept when a mirror first named them: lag looks at the newest few.
    package var namedSequences = 64

    /// The default limits.
    package init() {}
}
