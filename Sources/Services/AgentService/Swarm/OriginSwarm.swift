import Content
import FleetCertificates
import FleetModel
import Logging
import STOQ
import Swarm
import Synchronization

/// The origin's part in the swarm of a release: the shell of ``LeaseBook``.
final class OriginSwarm: Sendable {
    private static let checks = Duration.milliseconds(50)

    private struct Joined {
        let link: SwarmLink
        let hello: SwarmHello
        var have = OrdinalSet()
        var want: OrdinalSet?
        var isDone: Bool
    }

    private struct State {
        var book: LeaseBook?
        var base: UInt32 = .max
        var joined: [Int: Joined] = [:]
        var clock: Task<Void, Never>?
    }

    private let key: SwarmKey
    private let size: UInt32
    private let settings: SwarmLeaseSettings
    private let lengths: @Sendable (Range<UInt64>) throws -> [UInt32]
    private let logger: Logger
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    /// - Parameters:
    ///   - size: of the release's chunk log.
    ///   - lengths: of the chunks with these ordinals; may throw `StoreError`.
    init(
        key: SwarmKey, size: UInt32, settings: SwarmLeaseSettings, logger: Logger,
        lengths: @escaping @Sendable (Range<UInt64>) throws -> [UInt32]
    ) {
        self.key = key
        self.size = size
        self.settings = settings
        self.logger = logger
        self.lengths = lengths
    }

    private var now: Duration { .now - began }

    /// A mirror takes part until its link ends. Blocks while the log is read for the first mirror. Throws `StoreError`.
    func attach(_ link: SwarmLink, _ hello: SwarmHello) throws {
        let base = UInt32(ChunkLogTail.base(complete: UInt64(hello.complete)))
        let known = state.withLock { $0.base }
        let cut = base < known ? try lengths(UInt64(base)..<UInt64(size)) : nil
        let grants = state.withLock { state -> [(SwarmLink, LeaseBook.Grant)] in
            if let cut, base < state.base { widen(&state, base, cut) }
            guard let id = state.book?.join(link.peer.name, isNear: hello.isNear, hello: hello, now: now) else {
                return []
            }
            state.joined[id] = Joined(link: link, hello: hello, isDone: hello.complete == size)
            link.onMessage { [weak self] message in self?.heard(message, from: link) }
            if state.clock == nil {
                state.clock = Task { [weak self] in
                    while !Task.isCancelled, let self {
                        self.tick()
                        try? await Task.sleep(for: Self.checks)
                    }
                }
            }
            return []
        }
        send(grants)
    }

    /// A mirror is gone.
    func detach(_ link: SwarmLink) {
        let grants = state.withLock { state -> [(SwarmLink, LeaseBook.Grant)] in
            guard let id = state.joined.first(where: { $0.value.link === link })?.key else { return [] }
            state.joined[id] = nil
            let grants = state.book?.leave(id, now: now) ?? []
            if state.joined.isEmpty { close(&state) }
            return links(of: grants, state)
        }
        send(grants)
        finishIfDone()
    }

    private func heard(_ message: SwarmMessage, from link: SwarmLink) {
        let grants = state.withLock { state -> [(SwarmLink, LeaseBook.Grant)] in
            guard let id = state.joined.first(where: { $0.value.link === link })?.key else { return [] }
            switch message {
            case .have(let ranges):
                for range in ranges { state.joined[id]?.have.insert(range) }
                if ranges == [0..<size] { state.joined[id]?.isDone = true }
            case .want(let want): state.joined[id]?.want = want
            default: break
            }
            return links(of: state.book?.heard(message, from: id, now: now) ?? [], state)
        }
        send(grants)
        finishIfDone()
    }

    private func tick() {
        let grants = state.withLock { state in links(of: state.book?.tick(now: now) ?? [], state) }
        send(grants)
    }

    /// What a report says of it; nil while no mirror takes part.
    var report: SwarmReport? {
        state.withLock { state in
            guard let book = state.book, !book.isIdle else { return nil }
            let again = book.again.map { ($0.key.rawValue, $0.value) }
            return SwarmReport(
                set: key.set, release: "\(key.release)", role: .origin,
                peers: state.joined.values.map { SwarmReport.Peer(name: $0.link.peer.name) },
                leasedBytes: book.leasedBytes, again: Dictionary(again, uniquingKeysWith: +))
        }
    }

    // MARK: Parts

    /// Begins a book that reaches further down, for a mirror that lacks more than those before it.
    private func widen(_ state: inout State, _ base: UInt32, _ lengths: [UInt32]) {
        var book = LeaseBook(cut: BlockCut(base: base, lengths: lengths), lengths: lengths, settings: settings)
        var joined: [Int: Joined] = [:]
        for (_, entry) in state.joined.sorted(by: { $0.key < $1.key }) {
            var hello = entry.hello
            hello.have.formUnion(entry.have)
            let id = book.join(entry.link.peer.name, isNear: hello.isNear, hello: hello, now: now)
            if let want = entry.want { _ = book.heard(.want(want), from: id, now: now) }
            joined[id] = entry
        }
        state.book = book
        state.base = base
        state.joined = joined
    }

    private func links(of grants: [LeaseBook.Grant], _ state: State) -> [(SwarmLink, LeaseBook.Grant)] {
        grants.compactMap { grant in state.joined[grant.mirror].map { ($0.link, grant) } }
    }

    private func send(_ grants: [(SwarmLink, LeaseBook.Grant)]) {
        for (link, grant) in grants { link.send(.lease(grant.ranges)) }
    }

    /// Once every mirror has everything, the links end.
    private func finishIfDone() {
        let links = state.withLock { state in
            !state.joined.isEmpty && state.joined.values.allSatisfy(\.isDone) ? state.joined.values.map(\.link) : []
        }
        for link in links { link.finish() }
    }

    private func close(_ state: inout State) {
        state.clock?.cancel()
        state.clock = nil
        guard let book = state.book else { return }
        state.book = nil
        state.base = .max
        let again = LeaseBook.Reason.allCases.compactMap { reason in
            book.again[reason].map { "\(reason.rawValue)=\($0)" }
        }
        logger.info(
            "a release was given to the swarm",
            metadata: [
                "set": "\(key.set)", "blocks": "\(book.leases)", "bytes": "\(book.leasedBytes)",
                "again": "\(again.joined(separator: ","))",
            ])
    }
}
