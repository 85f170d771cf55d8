/// One assignment, or the reason why there is none: mirror M shall serve release R of a set, from sources S.
package struct PlanLine: Codable, Sendable, Hashable {
    /// The mirror that acts.
    package var mirror: String
    /// The set.
    package var set: String
    /// What it does.
    package var action: PlanAction
    /// The number of the release that it shall serve: the head.
    package var sequence: UInt64?
    /// The digest of that release's document in hex.
    package var release: String?
    /// The manifest root of that release in hex.
    package var root: String?
    /// Bytes to move, an estimate (the reason says from what).
    package var bytes: UInt64
    /// Bytes that the mirror copies on its own disk at most, for files that change in their time alone; an estimate.
    package var copiedBytes: UInt64
    /// Bytes of the files whose times it changes in place just before the flip, which the tree that is served until then
    /// shows, too; an estimate, 0 for none.
    package var retimedBytes: UInt64
    /// Whom to ask, best first.
    package var sources: [PlanSource]
    /// Mirrors that this plan brings to the same release, with which this one exchanges what each has already; none in a
    /// plan of an older coordinator.
    package var peers: [PlanSource]
    /// Where the mirror is; nil in a plan of an older coordinator.
    package var region: String?
    /// Who holds the release and is no source, sorted by name.
    package var leftOut: [LeftOutSource]
    /// How many releases the mirror keeps the trees of; nil in a plan of an older coordinator.
    package var keepReleases: Int?
    /// Seconds that a tree out of service stays as it was; nil in a plan of an older coordinator.
    package var lingerSeconds: Int64?
    /// How much the mirror copies for files that change in their time alone before it changes times in place; nil in a
    /// plan of an older coordinator: it copies all.
    package var copyLimit: CopyLimit?
    /// Why.
    package var reason: Reason

    /// Makes the value from its parts; nothing is checked.
    package init(
        mirror: String,
        set: String,
        action: PlanAction,
        sequence: UInt64? = nil,
        release: String? = nil,
        root: String? = nil,
        bytes: UInt64 = 0,
        sources: [PlanSource] = [],
        peers: [PlanSource] = [],
        region: String? = nil,
        leftOut: [LeftOutSource] = [],
        keepReleases: Int? = nil,
        lingerSeconds: Int64? = nil,
        copyLimit: CopyLimit? = nil,
        copiedBytes: UInt64 = 0,
        retimedBytes: UInt64 = 0,
        reason: Reason
    ) {
        self.mirror = mirror
        self.set = set
        self.action = action
        self.sequence = sequence
        self.release = release
        self.root = root
        self.bytes = bytes
        self.sources = sources
        self.peers = peers
        self.region = region
        self.leftOut = leftOut
        self.keepReleases = keepReleases
        self.lingerSeconds = lingerSeconds
        self.copyLimit = copyLimit
        self.copiedBytes = copiedBytes
        self.retimedBytes = retimedBytes
        self.reason = reason
    }
}

extension PlanLine {
    /// Whether a mirror that reports this of the set has done what the line asks for, and is at rest.
    package func isFulfilled(by report: SetReport) -> Bool {
        action == .none
            || sequence == report.sequence && release == report.release && report.activity == .idle
                && report.badPaths.isEmpty && report.missingBytes == 0 && report.lastFailure == nil
    }
}

extension PlanLine {
    private enum CodingKeys: String, CodingKey {
        case mirror, set, action, sequence, release, root, bytes, sources, peers, region, leftOut, keepReleases,
            lingerSeconds, copyLimit, copiedBytes, retimedBytes, reason
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mirror = try container.decode(String.self, forKey: .mirror)
        set = try container.decode(String.self, forKey: .set)
        action = try container.decode(PlanAction.self, forKey: .action)
        sequence = try container.decodeIfPresent(UInt64.self, forKey: .sequence)
        release = try container.decodeIfPresent(String.self, forKey: .release)
        root = try container.decodeIfPresent(String.self, forKey: .root)
        bytes = try container.decodeIfPresent(UInt64.self, forKey: .bytes) ?? 0
        sources = try container.decodeIfPresent([PlanSource].self, forKey: .sources) ?? []
        peers = try container.decodeIfPresent([PlanSource].self, forKey: .peers) ?? []
        region = try container.decodeIfPresent(String.self, forKey: .region)
        leftOut = try container.decodeIfPresent([LeftOutSource].self, forKey: .leftOut) ?? []
        keepReleases = try container.decodeIfPresent(Int.self, forKey: .keepReleases)
        lingerSeconds = try container.decodeIfPresent(Int64.self, forKey: .lingerSeconds)
        copiedBytes = try container.decodeIfPresent(UInt64.self, forKey: .copiedBytes) ?? 0
        retimedBytes = try container.decodeIfPresent(UInt64.self, forKey: .retimedBytes) ?? 0
        copyLimit = try container.decodeIfPresent(CopyLimit.self, forKey: .copyLimit)
        reason = try container.decode(Reason.self, forKey: .reason)
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mirror, forKey: .mirror)
        try container.encode(set, forKey: .set)
        try container.encode(action, forKey: .action)
        try container.encodeIfPresent(sequence, forKey: .sequence)
        try container.encodeIfPresent(release, forKey: .release)
        try container.encodeIfPresent(root, forKey: .root)
        try container.encode(bytes, forKey: .bytes)
        try container.encode(sources, forKey: .sources)
        try container.encode(peers, forKey: .peers)
        try container.encodeIfPresent(region, forKey: .region)
        try container.encode(leftOut, forKey: .leftOut)
        try container.encodeIfPresent(keepReleases, forKey: .keepReleases)
        try container.encodeIfPresent(lingerSeconds, forKey: .lingerSeconds)
        try container.encode(copiedBytes, forKey: .copiedBytes)
        try container.encode(retimedBytes, forKey: .retimedBytes)
        try container.encodeIfPresent(copyLimit, forKey: .copyLimit)
        try container.encode(reason, forKey: .reason)
    }
}
