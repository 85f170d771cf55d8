/// What a mirror says it has of one set.
package struct SetReport: Codable, Sendable, Hashable {
    /// The set.
    package var name: String
    /// The release that the served link names; nil when it serves none, or something that is no release.
    package var sequence: UInt64?
    /// The manifest root in hex, read back from the link and the store when the report is made.
    package var root: String?
    /// The digest of the release document in hex.
    package var release: String?
    /// When the whole tree was last verified, in Unix seconds.
    package var verifiedAt: Int64?
    /// What the agent does with the set now.
    package var activity: SetActivity
    /// How far the running sync is.
    package var progress: SyncProgress?
    /// How the last sync ended.
    package var lastSync: SyncSummary?
    /// Why the last attempt failed; nil once one succeeded.
    package var lastFailure: String?
    /// Attempts that failed since the last success. From 3 on the set counts as failing.
    package var failedAttempts: UInt64
    /// Whether trying again cannot help (wrong signature, a release that does not close): failing at once.
    package var isFailureFinal: Bool
    /// Paths found bad and not yet repaired, sorted by path, at most `MirrorReport.badPathLimit`.
    package var badPaths: [BadPathReport]
    /// Bytes known to be missing: of the release being fetched, or of bad blobs.
    package var missingBytes: UInt64
    /// The SHA-256 in hex of the list of yanked paths that is in force: what it lists is in no tree of the host. Nil: none.
    package var yanked: String?
    /// The mirror's signed receipt of the release that it held last, in Base64; nil: nobody waits for one.
    package var receipt: String?

    /// Makes the value from its parts; nothing is checked.
    package init(
        name: String,
        sequence: UInt64? = nil,
        root: String? = nil,
        release: String? = nil,
        verifiedAt: Int64? = nil,
        activity: SetActivity = .idle,
        progress: SyncProgress? = nil,
        lastSync: SyncSummary? = nil,
        lastFailure: String? = nil,
        failedAttempts: UInt64 = 0,
        isFailureFinal: Bool = false,
        badPaths: [BadPathReport] = [],
        missingBytes: UInt64 = 0,
        yanked: String? = nil,
        receipt: String? = nil
    ) {
        self.name = name
        self.sequence = sequence
        self.root = root
        self.release = release
        self.verifiedAt = verifiedAt
        self.activity = activity
        self.progress = progress
        self.lastSync = lastSync
        self.lastFailure = lastFailure
        self.failedAttempts = failedAttempts
        self.isFailureFinal = isFailureFinal
        self.badPaths = badPaths
        self.missingBytes = missingBytes
        self.yanked = yanked
        self.receipt = receipt
    }
}

extension SetReport {
    /// Bytes of the release `sequence` that it received by source, in the sync that runs or in the last one; nil: none.
    package func received(of sequence: UInt64?) -> [String: UInt64]? {
        guard let sequence else { return nil }
        if let progress, progress.sequence == sequence { return progress.bytesBySource }
        return lastSync.flatMap { $0.sequence == sequence ? $0.bytesBySource : nil }
    }
}

extension SetReport {
    private enum CodingKeys: String, CodingKey {
        case name, sequence, root, release, verifiedAt, activity, progress, lastSync, lastFailure, failedAttempts,
            isFailureFinal, badPaths, missingBytes, yanked, receipt
    }

    /// Reads the value; a key that an older program does not write takes its default.
    /// - Throws: `DecodingError` for a value that is missing, of another type or out of bounds.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        sequence = try container.decodeIfPresent(UInt64.self, forKey: .sequence)
        root = try container.decodeIfPresent(String.self, forKey: .root)
        release = try container.decodeIfPresent(String.self, forKey: .release)
        verifiedAt = try container.decodeIfPresent(Int64.self, forKey: .verifiedAt)
        activity = try container.decodeIfPresent(SetActivity.self, forKey: .activity) ?? SetActivity.idle
        progress = try container.decodeIfPresent(SyncProgress.self, forKey: .progress)
        lastSync = try container.decodeIfPresent(SyncSummary.self, forKey: .lastSync)
        lastFailure = try container.decodeIfPresent(String.self, forKey: .lastFailure)
        failedAttempts = try container.decodeIfPresent(UInt64.self, forKey: .failedAttempts) ?? 0
        isFailureFinal = try container.decodeIfPresent(Bool.self, forKey: .isFailureFinal) ?? false
        badPaths = try container.decodeIfPresent([BadPathReport].self, forKey: .badPaths) ?? []
        missingBytes = try container.decodeIfPresent(UInt64.self, forKey: .missingBytes) ?? 0
        yanked = try container.decodeIfPresent(String.self, forKey: .yanked)
        receipt = try container.decodeIfPresent(String.self, forKey: .receipt)
    }

    /// Writes the value.
    /// - Throws: `EncodingError`, from the encoder alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encodeIfPresent(sequence, forKey: .sequence)
        try container.encodeIfPresent(root, forKey: .root)
        try container.encodeIfPresent(release, forKey: .release)
        try container.encodeIfPresent(verifiedAt, forKey: .verifiedAt)
        try container.encode(activity, forKey: .activity)
        try container.encodeIfPresent(progress, forKey: .progress)
        try container.encodeIfPresent(lastSync, forKey: .lastSync)
        try container.encodeIfPresent(lastFailure, forKey: .lastFailure)
        try container.encode(failedAttempts, forKey: .failedAttempts)
        try container.encode(isFailureFinal, forKey: .isFailureFinal)
        try container.encode(badPaths, forKey: .badPaths)
        try container.encode(missingBytes, forKey: .missingBytes)
        try container.encodeIfPresent(yanked, forKey: .yanked)
        try container.encodeIfPresent(receipt, forKey: .receipt)
    }
}
