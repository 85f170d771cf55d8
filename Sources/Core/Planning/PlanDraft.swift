import FleetModel
import UpdateFramework

/// One plan in the making.
struct PlanDraft {
    let fleet: Fleet
    let history: ReleaseHistory
    /// Every mirror, sorted by name.
    let mirrors: [MirrorAssessment]
    let request: PlanRequest
    /// What is signed of each set.
    let policies: [String: SignedPolicy]

    /// The lines of the plan, by mirror, then by set.
    func lines() -> [PlanLine] {
        let wishes = self.wishes()
        let shortages = shortages(wishes)
        var turns: [String: Int] = [:]
        let lines = wishes.map { wish in
            guard case .act(let work) = wish.verdict, let mirror = wish.mirror, let head = wish.head else {
                return line(wish, .none, wish.verdict.reason)
            }
            if let refusal = fetchRefusal(wish, work) { return line(wish, .none, refusal) }
            if let excess = excess(wish, work) { return line(wish, .none, excess) }
            if let shortage = shortages[wish.mirrorName] { return line(wish, .none, shortage) }
            let choice = SourceChoice(
                target: mirror, turn: turns[wish.setName, default: 0], head: head, mirrors: mirrors,
                shortages: shortages)
            turns[wish.setName, default: 0] += 1
            var line = line(wish, work.action, work.reason)
            line.leftOut = choice.leftOut
            if choice.sources.isEmpty {
                line.action = .none
                line.reason = noSource(wish, choice)
            } else {
                line.bytes = work.bytes
                line.reason.text += highWater(mirror, bytes: room(wish, work))
                if let times = TimeWork(mirror, set: wish.setName, head, history) {
                    line.copiedBytes = times.copiedBytes
                    line.retimedBytes = times.retimedBytes
                    line.reason.text += times.text
                }
                line.sources = choice.sources
            }
            return line
        }
        return PeerChoice(withQuorum(lines), mirrors: mirrors).lines
    }

    private func line(_ wish: Wish, _ action: PlanAction, _ reason: Reason) -> PlanLine {
        let policy = fleet.set(named: wish.setName)
        return PlanLine(
            mirror: wish.mirrorName, set: wish.setName, action: action, sequence: wish.head?.sequence,
            release: wish.head?.digest, root: wish.head?.root, keepReleases: policy?.keepReleases,
            lingerSeconds: policy?.lingerSeconds, copyLimit: policy?.copyLimit, reason: reason)
    }

    private func noSource(_ wish: Wish, _ choice: SourceChoice) -> Reason {
        let release = "\(wish.setName) \(wish.head.map { "\($0.sequence)" } ?? "")"
        let why = choice.leftOut.map(\.reason.text).joined(separator: "; ")
        return Reason(
            code: .noSource,
            text: why.isEmpty ? "no mirror says it serves \(release)" : "no source for \(release): \(why)")
    }

    /// What every mirror and set asked about would do, disk and sources aside.
    private func wishes() -> [Wish] {
        let mirrorNames = Set(request.mirrors ?? fleet.mirrors.map(\.name)).sorted()
        let setNames = Set(request.sets ?? fleet.sets.map(\.name)).sorted()
        var wishes: [Wish] = []
        for mirrorName in mirrorNames {
            let mirror = mirrors.first { $0.policy.name == mirrorName }
            for setName in setNames {
                if let wish = wish(mirror, mirrorName, setName) { wishes.append(wish) }
            }
        }
        return wishes
    }

    private func wish(_ mirror: MirrorAssessment?, _ mirrorName: String, _ setName: String) -> Wish? {
        func nothing(_ code: ReasonCode, _ text: String) -> Wish {
            Wish(
                mirrorName: mirrorName, setName: setName, mirror: mirror, head: history.head(of: setName),
                verdict: .nothing(Reason(code: code, text: text)))
        }
        guard let mirror else { return nothing(.notInFleet, "fleet.yaml has no mirror \(Spelling.quoted(mirrorName))") }
        guard fleet.set(named: setName) != nil else {
            return nothing(.notInFleet, "fleet.yaml has no set \(Spelling.quoted(setName))")
        }
        guard let set = mirror.sets.first(where: { $0.policy.name == setName }) else {
            // Not a word about sets that nobody expects there.
            guard request.mirrors != nil, request.sets != nil else { return nil }
            return nothing(.notCarried, "\(mirrorName) does not carry \(setName)")
        }
        return Wish(
            mirrorName: mirrorName, setName: setName, mirror: mirror, head: set.head,
            verdict: SetVerdict(mirror: mirror, set: set, history: history))
    }

    /// That the signed policy keeps the set from the mirror.
    private func fetchRefusal(_ wish: Wish, _ work: SetVerdict.Work) -> Reason? {
        guard policies[wish.setName]?.mayFetch(wish.mirrorName) == false else { return nil }
        return Reason(
            code: .notAllowed,
            text: "the signed policy of \(wish.setName) does not let \(wish.mirrorName) fetch it: fleetctl trust policy"
                + " \(wish.setName) --fetch")
    }

    /// The lines without those for a release that too few mirrors would hold to serve it.
    private func withQuorum(_ lines: [PlanLine]) -> [PlanLine] {
        lines.map { line in
            let quorum = policies[line.set]?.flipQuorum ?? 0
            guard line.action == .sync, quorum > 0 else { return line }
            let holders = holders(of: line.set, lines)
            guard holders < quorum else { return line }
            let few = holders == 1 ? "1 mirror would" : "\(holders) mirrors would"
            var line = line
            line.action = .none
            line.sources = []
            line.reason = Reason(
                code: .tooFewMirrors,
                text:
                    "\(quorum) mirrors must hold \(line.set) \(line.sequence.map { "\($0)" } ?? "") before one serves it,"
                    + " and \(few): sync more of them at once, or fleetctl trust policy \(line.set) --flip-quorum")
            return line
        }
    }

    /// How many mirrors hold the head of a set already, or would by these lines.
    private func holders(of set: String, _ lines: [PlanLine]) -> Int {
        mirrors.count { mirror in
            guard mirror.policy.role == .mirror, SetVerdict.standing(mirror) == nil,
                policies[set]?.mayFetch(mirror.policy.name) != false
            else { return false }
            let known = mirror.sets.first { $0.policy.name == set }
            return known?.servesHead == true || known?.report?.activity == .syncing
                || lines.contains { $0.mirror == mirror.policy.name && $0.set == set && $0.action != .none }
        }
    }

    /// That a release is larger than the quota of its set, by how much; what is served already is still repaired.
    private func excess(_ wish: Wish, _ work: SetVerdict.Work) -> Reason? {
        guard work.action == .sync, let head = wish.head, let quota = fleet.set(named: wish.setName)?.quotaBytes,
            head.bytes > quota
        else { return nil }
        let (have, allowed) = (Quantity.describe(bytes: head.bytes), Quantity.describe(bytes: quota))
        return Reason(
            code: .overQuota,
            text: "\(wish.setName) \(head.sequence) has \(have), its quota is \(allowed):"
                + " \(Quantity.describe(bytes: head.bytes - quota)) too many")
    }

    /// What the work takes of the mirror's disk: what is moved there, and what is copied there for times alone.
    private func room(_ wish: Wish, _ work: SetVerdict.Work) -> UInt64 {
        guard let mirror = wish.mirror, let head = wish.head,
            let times = TimeWork(mirror, set: wish.setName, head, history)
        else { return work.bytes }
        let (sum, overflow) = work.bytes.addingReportingOverflow(times.copiedBytes)
        return overflow ? .max : sum
    }

    /// A word for the reason of a line that leaves a disk above its high-water mark.
    private func highWater(_ mirror: MirrorAssessment, bytes: UInt64) -> String {
        guard let percent = mirror.policy.diskHighWaterPercent, let disk = mirror.observation?.report.disk else {
            return ""
        }
        let (used, overflow) = (disk.totalBytes - min(disk.totalBytes, disk.freeBytes))
            .addingReportingOverflow(bytes)
        let mark = DiskReserve.percent(UInt64(clamping: percent)).bytes(ofDisk: disk.totalBytes)
        guard overflow || used > mark else { return "" }
        return "; above the high-water mark of \(percent)% then, by"
            + " \(Quantity.describe(bytes: overflow ? .max : used - mark)): only what is served is kept"
    }

    /// The mirrors whose disks have no room for all that the plan would send them, with the figures.
    private func shortages(_ wishes: [Wish]) -> [String: Reason] {
        var needed: [String: UInt64] = [:]
        for wish in wishes {
            guard case .act(let work) = wish.verdict, excess(wish, work) == nil else { continue }
            let (sum, overflow) = needed[wish.mirrorName, default: 0].addingReportingOverflow(room(wish, work))
            needed[wish.mirrorName] = overflow ? .max : sum
        }
        var shortages: [String: Reason] = [:]
        for mirror in mirrors {
            guard let needed = needed[mirror.policy.name], let disk = mirror.observation?.report.disk,
                let reserve = mirror.reserveBytes
            else { continue }
            let available = disk.freeBytes - min(disk.freeBytes, reserve)
            guard available < needed else { continue }
            let debt = reserve - min(disk.freeBytes, reserve)
            let (short, overflow) = (needed - available).addingReportingOverflow(debt)
            let text =
                "\(mirror.policy.name) is short of disk: this plan needs about \(Quantity.describe(bytes: needed)),"
                + " \(Quantity.describe(bytes: disk.freeBytes)) free less a reserve of"
                + " \(Quantity.describe(bytes: reserve)), \(Quantity.describe(bytes: overflow ? .max : short)) short"
            shortages[mirror.policy.name] = Reason(code: .shortOfDisk, text: text)
        }
        return shortages
    }
}

/// What one mirror would do for one set.
struct Wish {
    var mirrorName: String
    var setName: String
    /// Nil when it is not in the fleet.
    var mirror: MirrorAssessment?
    var head: RegisteredRelease?
    var verdict: SetVerdict
}
