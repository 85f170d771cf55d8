/// What the holders of a fleet's targets keys say of one set beyond who signs for it: a member of a fleet's documents
/// that other clients ignore and signatures cover. It binds every host; a host may be stricter, and nobody laxer.
///
/// docs/formats/trust.md states the form.
package struct SignedPolicy: Hashable, Sendable {
    /// The least and the most receipts that can be asked for.
    package static let quorumRange = 0...1_024

    /// How many mirrors must be known to hold all of a release before one of them serves it; 0: it serves it at once.
    package var flipQuorum: Int
    /// The part of a set in percent that one release may remove without its publisher's word; nil: what hosts say.
    package var maxDelete: Int?
    /// The part in percent by which a set may shrink in the same way; nil: what hosts say.
    package var maxShrink: Int?
    /// Who may fetch the set; nil: every member of the fleet.
    package var fetch: FetchRule?

    /// A policy of these values; the default binds nobody.
    package init(flipQuorum: Int = 0, maxDelete: Int? = nil, maxShrink: Int? = nil, fetch: FetchRule? = nil) {
        self.flipQuorum = flipQuorum
        self.maxDelete = maxDelete
        self.maxShrink = maxShrink
        self.fetch = fetch
    }

    /// Whether the host `name` may fetch the set.
    package func mayFetch(_ name: String) -> Bool { fetch?.allows(name) ?? true }
}

/// Who may fetch a set: hosts by name, and regions with the hosts that were in them when it was signed, since nothing
/// else that a host can verify says where another one is.
package struct FetchRule: Hashable, Sendable {
    /// The most names in one list, and the most regions.
    package static let limit = 10_000

    /// Names of hosts, ascending.
    package private(set) var mirrors: [String]
    /// Names of hosts, ascending, by their region.
    package private(set) var regions: [String: [String]]

    /// A rule that allows these hosts; names are put in order.
    package init(mirrors: some Sequence<String>, regions: [String: [String]] = [:]) {
        self.mirrors = Set(mirrors).sorted()
        self.regions = regions.mapValues { Set($0).sorted() }
    }

    /// Whether it names the host.
    package func allows(_ name: String) -> Bool {
        mirrors.contains(name) || regions.values.contains { $0.contains(name) }
    }

    /// Every host that it names, ascending.
    package var names: [String] { Set(regions.values.joined()).union(mirrors).sorted() }
}

/// The policies of a targets document, by set.
struct SignedPolicies {
    /// The member of a fleet's own member in which they stand.
    private static let member = "policies"
    /// No more than sets.
    private static let limit = MetadataLimits.delegations
    private static let maximumNameByteCount = 63

    private(set) var bySet: [String: SignedPolicy] = [:]

    init(_ bySet: [String: SignedPolicy]) {
        self.bySet = bySet
    }

    /// From the member of a fleet that `signed` may have. Throws ``MetadataError``.
    init(_ signed: MetadataReader, profile: MetadataProfile) throws(MetadataError) {
        guard profile.isOwn, let fleet = try signed.objectIfPresent(MetadataProfile.member),
            let policies = try fleet.objectIfPresent(Self.member)
        else { return }
        guard policies.object.members.count <= Self.limit else {
            throw MetadataError(
                .tooMany(count: policies.object.members.count, limit: Self.limit), at: policies.place)
        }
        for member in policies.object.members {
            let set = try Self.name(member.name, place: policies.place)
            bySet[set] = try SignedPolicy(MetadataReader(member.value, place: policies.place.member(member.name)))
        }
    }

    /// The member `policies`, or nothing.
    func add(to object: inout JSONObject) {
        let named = bySet.filter { $0.value != SignedPolicy() }
        guard !named.isEmpty else { return }
        var policies = JSONObject()
        for (set, policy) in named { policies[set] = .object(policy.object) }
        object[Self.member] = .object(policies)
    }

    /// A name of a set, a host or a region.
    static func name(_ bytes: [UInt8], place: MetadataPlace) throws(MetadataError) -> String {
        let isPlain = bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isPlain, !bytes.isEmpty, bytes.count <= maximumNameByteCount else {
            throw MetadataError(
                .badName(bytes, allowed: "1 to \(maximumNameByteCount) of a-z, 0-9 and -"), at: place)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension SignedPolicy {
    /// From the object of a set. What nobody here knows is let be: hosts are brought up to date before a rule is signed
    /// that older ones do not have.
    init(_ reader: MetadataReader) throws(MetadataError) {
        func number(_ name: String, _ range: ClosedRange<Int>) throws(MetadataError) -> Int? {
            guard reader.object[name] != nil else { return nil }
            return Int(try reader.integer(name, from: Int64(range.lowerBound), to: Int64(range.upperBound)))
        }
        self.init(
            flipQuorum: try number("flip_quorum", Self.quorumRange) ?? 0, maxDelete: try number("max_delete", 0...100),
            maxShrink: try number("max_shrink", 0...100),
            fetch: try reader.objectIfPresent("fetch").map { rule throws(MetadataError) in try FetchRule(rule) })
    }

    var object: JSONObject {
        var object = JSONObject()
        if flipQuorum > 0 { object["flip_quorum"] = .integer(Int64(flipQuorum)) }
        object["max_delete"] = maxDelete.map { .integer(Int64($0)) }
        object["max_shrink"] = maxShrink.map { .integer(Int64($0)) }
        object["fetch"] = fetch.map { .object($0.object) }
        return object
    }
}

extension FetchRule {
    init(_ reader: MetadataReader) throws(MetadataError) {
        func names(_ name: String, _ reader: MetadataReader) throws(MetadataError) -> [String] {
            var names: [String] = []
            for text in try reader.strings(name, limit: Self.limit) {
                names.append(try SignedPolicies.name(text, place: reader.place.member(name)))
            }
            return names
        }
        var regions: [String: [String]] = [:]
        if let named = try reader.objectIfPresent("regions") {
            guard named.object.members.count <= Self.limit else {
                throw MetadataError(.tooMany(count: named.object.members.count, limit: Self.limit), at: named.place)
            }
            for member in named.object.members {
                let region = try SignedPolicies.name(member.name, place: named.place)
                regions[region] = try names(region, named)
            }
        }
        self.init(
            mirrors: reader.object["mirrors"] == nil ? [] : try names("mirrors", reader), regions: regions)
    }

    var object: JSONObject {
        var object = JSONObject()
        func list(_ names: [String]) -> JSONValue { .array(names.map { .text($0) }) }
        if !mirrors.isEmpty { object["mirrors"] = list(mirrors) }
        guard !regions.isEmpty else { return object }
        var named = JSONObject()
        for (region, names) in regions { named[region] = list(names) }
        object["regions"] = .object(named)
        return object
    }
}

extension SignedPolicy {
    /// What it says, one text for each rule, for people; a rule that it leaves open has none.
    package var words: [(key: String, value: String)] {
        var words: [(key: String, value: String)] = []
        if flipQuorum > 0 { words.append(("flip_quorum", "\(flipQuorum)")) }
        if let maxDelete { words.append(("max_delete", "\(maxDelete)%")) }
        if let maxShrink { words.append(("max_shrink", "\(maxShrink)%")) }
        if let fetch { words.append(("fetch", fetch.words)) }
        return words
    }
}

extension FetchRule {
    /// Who may, for people: `mirror=a,b region=eu (c, d)`; `nobody` if it names none.
    package var words: String {
        var parts: [String] = []
        if !mirrors.isEmpty { parts.append("mirror=\(mirrors.joined(separator: ","))") }
        for (region, names) in regions.sorted(by: { $0.key < $1.key }) {
            parts.append("region=\(region) (\(names.isEmpty ? "nobody" : names.joined(separator: ", ")))")
        }
        return parts.isEmpty ? "nobody" : parts.joined(separator: " ")
    }
}
