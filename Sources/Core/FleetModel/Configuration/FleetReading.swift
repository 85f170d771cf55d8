/// Reads the meaning of fleet.yaml: from nodes with places to a `Fleet`, or to everything that is wrong.
package enum FleetReading {
    /// The one value that `apiVersion` may have now.
    package static let apiVersion = "fleet/v1"

    /// The fleet that `node` describes. Relative paths are taken from `folder`.
    /// - Throws: `Mistakes`: all that were found, each with its place.
    package static func fleet(from node: PlacedNode, folder: String) throws(Mistakes) -> Fleet {
        let mistakes = MistakeList()
        let fleet = read(node, folder: folder, mistakes)
        guard let fleet, mistakes.isEmpty else { throw Mistakes(mistakes.mistakes) }
        return fleet
    }

    private static func read(_ node: PlacedNode, folder: String, _ mistakes: MistakeList) -> Fleet? {
        let reader = MappingReader(
            node, path: "",
            keys: [
                "apiVersion", "name", "timezone", "coordinator", "operator", "trust", "sets", "defaults", "mirrors",
                "bandwidth", "swarm",
            ],
            later: [
                "tiers", "redirect", "cdn", "alerts", "notify", "probes", "hooks", "metrics", "sharing",
                "witnesses", "discovery", "placement", "regions", "dashboard", "strategies",
            ],
            mistakes: mistakes)
        guard let reader else { return nil }
        readVersion(reader)
        reader.requireKey("name", "give the fleet a name")
        let name = reader.name("name")
        let timezone = reader.text("timezone")
        if let timezone, timezone.text != "UTC" {
            reader.fail("timezone", "\(Spelling.quoted(timezone.text)) is not supported yet", "write UTC")
        }
        let coordinator = readCoordinator(reader, folder)
        let trust = readTrust(reader, folder)
        let access = readOperator(reader, folder)
        let bandwidth = BandwidthReading.section(reader)
        let swarm = SwarmReading.section(reader)
        let defaults = readDefaults(reader, bandwidth)
        let sets = readSets(reader)
        let mirrors = readMirrors(reader, defaults: defaults, bandwidth, sets: sets)
        let rules = FleetRules(
            sets: sets, mirrors: mirrors, defaults: defaults, trust: trust, weighted: bandwidth.weighted,
            limited: swarm.limited,
            mistakes: mistakes,
            knowsAllSets: !sets.isEmpty && sets.count == reader.count(of: "sets"))
        rules.check()
        guard let name, let coordinator, let trust else { return nil }
        return Fleet(
            name: name.text, timezone: "UTC", coordinator: coordinator, trust: trust.policy, operatorAccess: access,
            sets: sets.map(\.policy), mirrors: mirrors.map(\.policy), setWeights: bandwidth.weights,
            swarm: swarm.policy)
    }

    static func readVersion(_ reader: MappingReader) {
        reader.requireKey("apiVersion", "begin the file with \"apiVersion: \(apiVersion)\"")
        if let version = reader.text("apiVersion"), version.text != apiVersion {
            reader.fail(
                "apiVersion", "\(Spelling.quoted(version.text)) is not known to this program", "write \(apiVersion)")
        }
    }

    private static func readCoordinator(_ reader: MappingReader, _ folder: String) -> CoordinatorPolicy? {
        reader.requireKey("coordinator", "say where it listens: \"coordinator: {listen: HOST:PORT}\"")
        let section = reader.mapping(
            "coordinator", keys: ["listen", "address", "state", "report_interval"],
            later: ["dashboard", "witness", "replicas", "metrics", "standby"])
        guard let section else { return nil }
        section.requireKey("listen", "say where it listens, HOST:PORT")
        let listen = section.address("listen", listens: true)
        var address = section.text("address").flatMap { section.httpsAddress($0, section.label("address")) }
        if let listen, !section.has("address") {
            if listen.port == 0 || ["::", "0.0.0.0"].contains(listen.host) {
                section.mistakes.add(
                    section.place, "\(section.label("address")) is missing, and \(listen) is no address to reach it by",
                    "say where agents and operators reach it, HOST:PORT")
            } else {
                address = listen
            }
        }
        let state = readState(section, folder)
        let interval = section.seconds("report_interval", in: 1...3_600)
        guard let listen, let address else { return nil }
        return CoordinatorPolicy(
            listen: listen, address: address, statePath: state ?? "/var/lib/mirrorfleet/coordinator",
            reportIntervalSeconds: interval ?? 30)
    }

    private static func readState(_ section: MappingReader, _ folder: String) -> String? {
        guard let text = section.text("state") else { return nil }
        for scheme in ["sqlite:", "etcd:", "postgres:"] where text.text.hasPrefix(scheme) {
            section.fail("state", "the scheme \"\(scheme)\" is not supported yet", "write the path of a folder")
            return nil
        }
        return section.path("state", in: folder)
    }

    private static func readTrust(_ reader: MappingReader, _ folder: String) -> ReadTrust? {
        reader.requireKey("trust", "name the folder that fleetctl trust init made: \"trust: {folder: DIR}\"")
        let section = reader.mapping(
            "trust", keys: ["folder", "keeper", "kyber1024"],
            later: ["root", "flip", "threshold", "roles", "witnesses", "timestamp"])
        guard let section else { return nil }
        section.requireKey("folder", "name the folder that fleetctl trust init made")
        let keeper = section.name("keeper")
        guard let path = section.path("folder", in: folder) else { return nil }
        let policy = TrustPolicy(
            folder: path, keeper: keeper?.text, requiresMLKEM1024: section.flag("kyber1024"))
        return ReadTrust(policy: policy, place: section.place, keeper: keeper)
    }

    private static func readOperator(_ reader: MappingReader, _ folder: String) -> OperatorAccess? {
        guard let section = reader.mapping("operator", keys: ["certificate", "key", "authority"]) else { return nil }
        for key in ["certificate", "key", "authority"] { section.requireKey(key, "give the path of a PEM file") }
        let certificate = section.path("certificate", in: folder)
        let key = section.path("key", in: folder)
        let authority = section.path("authority", in: folder)
        guard let certificate, let key, let authority else { return nil }
        return OperatorAccess(certificatePath: certificate, keyPath: key, authorityPath: authority)
    }

    private static func readDefaults(_ reader: MappingReader, _ bandwidth: BandwidthReading.Read) -> ReadDefaults {
        let section = reader.mapping(
            "defaults", keys: ["sets", "region", "country", "disk", "bandwidth"],
            later: ["scrub", "tier", "uplink", "limits", "hooks", "linger", "compat"])
        guard let section else { return ReadDefaults() }
        let disk = readDisk(section)
        return ReadDefaults(
            sets: section.names("sets"), region: section.name("region")?.text, country: readCountry(section),
            diskReserve: disk.reserve, diskHighWater: disk.highWater,
            bandwidth: BandwidthReading.chosen(section, among: bandwidth))
    }
}

/// The `trust` part, with the places that rules over the whole fleet point at.
struct ReadTrust {
    var policy: TrustPolicy
    var place: TextPlace
    var keeper: PlacedText?
}

/// The `defaults` part.
struct ReadDefaults {
    var sets: [PlacedText]?
    var region: String?
    var country: String?
    var diskReserve: DiskReserve?
    var diskHighWater: Int?
    var bandwidth: BandwidthProfile?
}

/// A set with the places that rules over the whole fleet point at.
struct ReadSet {
    var policy: SetPolicy
    var label: String
    var place: TextPlace
    var originPlace: TextPlace
    var replicasPlace: TextPlace
    var binding: ReadBinding
}

/// A mirror with the places that rules over the whole fleet point at.
struct ReadMirror {
    var policy: MirrorPolicy
    var label: String
    var place: TextPlace
    var rolePlace: TextPlace
    var addressPlace: TextPlace
    /// The sets that its own `sets` key names; nil when it has none.
    var ownSets: [PlacedText]?
}

extension FleetReading {
    /// More sets or mirrors than this is a mistake in a template, not a fleet.
    private static let itemLimit = 10_000

    private static func readSets(_ reader: MappingReader) -> [ReadSet] {
        reader.requireKey("sets", "list the content sets")
        guard let items = reader.list("sets") else { return [] }
        if items.isEmpty { reader.fail("sets", "the list is empty", "name at least one content set") }
        return items.prefix(itemLimit).compactMap { readSet($0.node, $0.label, reader.mistakes) }
    }

    private static func readSet(_ node: PlacedNode, _ label: String, _ mistakes: MistakeList) -> ReadSet? {
        let reader = MappingReader(
            node, path: label,
            keys: [
                "name", "origin", "source", "ingest", "chunks", "digests", "replicas", "keep_releases", "linger",
                "max_lag", "allow_escaping_links", "quota", "copy_limit",
            ] + BindingReading.keys,
            later: [
                "layout", "publish", "placement", "scrub", "priority", "bandwidth", "sharing", "compat", "tiers",
                "hooks", "trust", "availability", "expires", "cache",
                "regions",
            ],
            mistakes: mistakes)
        guard let reader else { return nil }
        reader.requireKey("name", "give the set a name")
        reader.requireKey("origin", "name the mirror with role origin that publishes it")
        let name = reader.name("name")
        let origin = reader.name("origin")
        let digests = readDigests(reader)
        let (binding, bindingPlaces) = BindingReading.read(reader)
        let policy = SetPolicy(
            name: name?.text ?? "", origin: origin?.text ?? "", source: reader.absolutePath("source"),
            ingest: reader.word("ingest", of: IngestPolicy.allCases.map(\.rawValue))
                .flatMap(IngestPolicy.init(rawValue:)) ?? .reflink,
            chunkProfile: reader.word("chunks", of: ["default", "images"]) ?? "default", digests: digests,
            replicas: reader.integer("replicas", in: 1...10_000) ?? 1,
            keepReleases: reader.integer("keep_releases", in: 1...1_000) ?? 5,
            lingerSeconds: reader.seconds("linger", in: 0...604_800) ?? 3_600,
            maxLagSeconds: reader.seconds("max_lag", in: 1...31_536_000) ?? 3_600,
            allowEscapingLinks: reader.flag("allow_escaping_links") ?? false, quotaBytes: reader.size("quota"),
            copyLimit: reader.amount("copy_limit", upTo: 100).map { CopyLimit($0) } ?? .standard,
            binding: binding)
        guard let name, let origin else { return nil }
        return ReadSet(
            policy: policy, label: label, place: name.place, originPlace: origin.place,
            replicasPlace: reader.place(of: "replicas"), binding: bindingPlaces)
    }

    private static func readDigests(_ reader: MappingReader) -> [String] {
        guard let texts = reader.texts("digests") else { return [] }
        var names: Set<String> = []
        for text in texts {
            if text.text == "blake3" {
                reader.mistakes.add(
                    text.place, "\(reader.label("digests")): \"blake3\" is taken of every file anyway", "remove it")
            } else if reader.checkWord(text, reader.label("digests"), of: ["sha256", "sha512", "sha3-256"]) {
                if !names.insert(text.text).inserted {
                    reader.mistakes.add(
                        text.place, "\(reader.label("digests")): \(Spelling.quoted(text.text)) stands there twice",
                        "remove one")
                }
            }
        }
        return names.sorted()
    }

    private static func readMirrors(
        _ reader: MappingReader, defaults: ReadDefaults, _ bandwidth: BandwidthReading.Read, sets: [ReadSet]
    ) -> [ReadMirror] {
        reader.requireKey("mirrors", "list the hosts")
        guard let items = reader.list("mirrors") else { return [] }
        if items.isEmpty { reader.fail("mirrors", "the list is empty", "name the origin and at least one mirror") }
        return items.prefix(itemLimit).compactMap { item in
            readMirror(item.node, item.label, defaults: defaults, bandwidth, sets: sets, reader.mistakes)
        }
    }

    private static func readMirror(
        _ node: PlacedNode, _ label: String, defaults: ReadDefaults, _ bandwidth: BandwidthReading.Read,
        sets: [ReadSet], _ mistakes: MistakeList
    ) -> ReadMirror? {
        let reader = MappingReader(
            node, path: label,
            keys: ["name", "role", "region", "country", "address", "sets", "state", "disk", "bandwidth"],
            later: [
                "tier", "uplink", "url", "dial", "scrub", "weight", "limits", "http", "hooks", "asn",
                "location", "latitude", "longitude", "private", "networks", "probe", "priority", "upload_slots",
            ],
            mistakes: mistakes)
        guard let reader else { return nil }
        reader.requireKey("name", "give the host a name")
        reader.requireKey("address", "say where its agent listens, HOST:PORT")
        let name = reader.name("name")
        let readRole = reader.word("role", of: MirrorRole.allCases.map(\.rawValue)).flatMap(MirrorRole.init(rawValue:))
        let role = readRole ?? .mirror
        let ownSets = reader.names("sets")
        let address = reader.address("address")
        let carried: [String] =
            if let ownSets {
                ownSets.map(\.text)
            } else if role == .origin {
                sets.map(\.policy).filter { $0.origin == name?.text }.map(\.name)
            } else {
                (defaults.sets ?? []).map(\.text)
            }
        if role == .mirror, reader.has("role") == (readRole != nil), carried.isEmpty, !reader.has("sets"),
            defaults.sets == nil
        {
            mistakes.add(reader.place, "\(label) carries no set", "add \"sets: [NAME]\" to it or to defaults")
        } else if let ownSets, ownSets.isEmpty, mistakes.isEmpty {
            reader.fail("sets", "the list is empty", "name at least one set, or remove the mirror")
        }
        let disk = readDisk(reader)
        let override = reader.word("state", of: MirrorOverride.allCases.map(\.rawValue).sorted())
        let policy = MirrorPolicy(
            name: name?.text ?? "", role: role, region: reader.name("region")?.text ?? defaults.region ?? "default",
            country: readCountry(reader) ?? defaults.country, address: address ?? NetworkAddress(host: "", port: 0),
            sets: Set(carried).sorted(), override: override.flatMap(MirrorOverride.init(rawValue:)),
            diskReserve: disk.reserve ?? defaults.diskReserve,
            diskHighWaterPercent: disk.highWater ?? defaults.diskHighWater,
            bandwidth: BandwidthReading.chosen(reader, among: bandwidth) ?? defaults.bandwidth)
        guard let name, address != nil else { return nil }
        return ReadMirror(
            policy: policy, label: label, place: name.place, rolePlace: reader.place(of: "role"),
            addressPlace: reader.place(of: "address"), ownSets: ownSets)
    }

    private static func readDisk(_ reader: MappingReader) -> (reserve: DiskReserve?, highWater: Int?) {
        let section = reader.mapping("disk", keys: ["reserve", "high_water"], later: ["low_water", "quota", "inodes"])
        return (section?.diskReserve("reserve"), section?.percent("high_water"))
    }

    private static func readCountry(_ reader: MappingReader) -> String? {
        guard let text = reader.text("country") else { return nil }
        if text.text.utf8.count == 2, text.text.utf8.allSatisfy({ (0x41...0x5a).contains($0) }) { return text.text }
        reader.fail(
            "country", "\(Spelling.quoted(text.text)) is not a country",
            "write two capital letters of ISO 3166, e.g. DE")
        return nil
    }
}
