import UpdateFramework

/// Reads the meaning of agent.yaml: from nodes with places to `AgentSettings`, or to everything that is wrong.
package enum AgentReading {
    /// The settings that `node` describes. Relative paths are taken from `folder`.
    /// - Throws: `Mistakes`: all that were found, each with its place.
    package static func settings(from node: PlacedNode, folder: String) throws(Mistakes) -> AgentSettings {
        let mistakes = MistakeList()
        let settings = read(node, folder: folder, mistakes)
        guard let settings, mistakes.isEmpty else { throw Mistakes(mistakes.mistakes) }
        return settings
    }

    private static func read(_ node: PlacedNode, folder: String, _ mistakes: MistakeList) -> AgentSettings? {
        let reader = MappingReader(
            node, path: "",
            keys: [
                "apiVersion", "fleet", "name", "role", "data", "state", "listen", "coordinator", "tls", "trust",
                "publish_from", "log_level", "disk", "bandwidth", "sharing",
            ],
            later: [
                "hooks", "rate", "scrub", "http", "metrics", "limits", "linger", "dial", "uplink",
                "discovery", "compat", "adopt", "log_format",
            ],
            mistakes: mistakes)
        guard let reader else { return nil }
        FleetReading.readVersion(reader)
        reader.requireKey("fleet", "write the name that fleet.yaml gives the fleet")
        reader.requireKey("name", "write the name that fleet.yaml gives this host")
        reader.requireKey("role", "write mirror or origin")
        reader.requireKey("data", "give the data directory, e.g. /srv/mirror")
        reader.requireKey("listen", "say where the agent listens, HOST:PORT")
        let fleet = reader.name("fleet")
        let name = reader.name("name")
        let role = reader.word("role", of: MirrorRole.allCases.map(\.rawValue)).flatMap(MirrorRole.init(rawValue:))
        let data = reader.path("data", in: folder)
        if data == "/" { reader.fail("data", "the root directory cannot be it", "give a directory of its own") }
        let state = reader.path("state", in: folder)
        let listen = reader.address("listen", listens: true)
        let coordinators = readCoordinators(reader)
        let tls = readTLS(reader, folder)
        let trust = readTrust(reader, folder)
        let publishFrom = readPublishFrom(reader, role, folder)
        let level = reader.word("log_level", of: LogLevel.allCases.map(\.rawValue)).flatMap(LogLevel.init(rawValue:))
        let disk = readDisk(reader)
        let sharing = SwarmReading.sharing(reader)
        guard let fleet, let name, let role, let data, let listen, let tls, let trust else { return nil }
        return AgentSettings(
            fleet: fleet.text, name: name.text, role: role, dataPath: data, statePath: state, listen: listen,
            coordinators: coordinators, certificatePath: tls.files.certificatePath, keyPath: tls.files.keyPath,
            authorityPath: tls.files.authorityPath, requiresMLKEM1024: tls.requiresMLKEM1024, trust: trust,
            publishFrom: publishFrom, logLevel: level ?? .info,
            disk: disk, bandwidth: BandwidthReading.ceilings(reader), sharing: sharing)
    }

    private static func readDisk(_ reader: MappingReader) -> DiskLimits {
        let section = reader.mapping("disk", keys: ["reserve", "high_water"], later: ["low_water", "quota", "inodes"])
        return DiskLimits(reserve: section?.diskReserve("reserve"), highWaterPercent: section?.percent("high_water"))
    }

    /// One coordinator, or a list of addresses of it.
    private static func readCoordinators(_ reader: MappingReader) -> [NetworkAddress] {
        reader.requireKey("coordinator", "say where it is, \"https://HOST:PORT\"")
        guard let node = reader.node("coordinator") else { return [] }
        if case .sequence = node.content {
            let texts = reader.texts("coordinator") ?? []
            if texts.isEmpty { reader.fail("coordinator", "the list is empty", "write \"https://HOST:PORT\"") }
            return texts.compactMap { reader.httpsAddress($0, reader.label("coordinator")) }
        }
        guard let text = reader.text("coordinator") else { return [] }
        return [reader.httpsAddress(text, reader.label("coordinator"))].compactMap { $0 }
    }

    private static func readTLS(
        _ reader: MappingReader, _ folder: String
    ) -> (files: OperatorAccess, requiresMLKEM1024: Bool)? {
        reader.requireKey("tls", "give certificate, key and authority")
        let section = reader.mapping("tls", keys: ["certificate", "key", "authority", "kyber1024"], later: ["groups"])
        guard let section else { return nil }
        for key in ["certificate", "key", "authority"] { section.requireKey(key, "give the path of a PEM file") }
        let certificate = section.path("certificate", in: folder)
        let key = section.path("key", in: folder)
        let authority = section.path("authority", in: folder)
        guard let certificate, let key, let authority else { return nil }
        return (
            OperatorAccess(certificatePath: certificate, keyPath: key, authorityPath: authority),
            section.flag("kyber1024") ?? false
        )
    }

    private static func readTrust(_ reader: MappingReader, _ folder: String) -> AgentTrustSettings? {
        reader.requireKey("trust", "name the root that releases are verified from: \"trust: {root: FILE}\"")
        let section = reader.mapping(
            "trust", keys: ["root", "online_key", "max_delete", "max_shrink", "flip_quorum", "floor", "fetch"],
            later: ["threshold"])
        guard let section else { return nil }
        section.requireKey("root", "copy the newest root from the operator's trust folder, metadata/N.root.json")
        let settings = AgentTrustSettings(
            rootPath: section.path("root", in: folder) ?? "", onlineKeyPath: section.path("online_key", in: folder),
            maxDelete: section.percent("max_delete", from: 0), maxShrink: section.percent("max_shrink", from: 0),
            flipQuorum: section.integer("flip_quorum", in: SignedPolicy.quorumRange) ?? 0,
            floorPeers: section.integer("floor", in: 0...16) ?? AgentTrustSettings.standardFloorPeers,
            fetch: readFetch(section))
        return settings.rootPath.isEmpty ? nil : settings
    }

    /// Who may fetch which set from here.
    private static func readFetch(_ section: MappingReader) -> [String: [String]] {
        let pairs = section.pairs(of: "fetch")
        guard !pairs.isEmpty, let sets = section.mapping("fetch", keys: pairs.map(\.key)) else { return [:] }
        var names: [String: [String]] = [:]
        for pair in pairs {
            let label = "\(section.label("fetch")).\(pair.key)"
            guard section.checkName(PlacedText(text: pair.key, place: pair.keyPlace), label) else { continue }
            names[pair.key] = (sets.names(pair.key) ?? []).map(\.text).sorted()
        }
        return names
    }

    private static func readPublishFrom(_ reader: MappingReader, _ role: MirrorRole?, _ folder: String) -> [String] {
        guard let texts = reader.texts("publish_from") else { return [] }
        if role == .mirror {
            reader.fail("publish_from", "only an origin publishes", "remove it, or write \"role: origin\"")
        }
        let paths = texts.compactMap { reader.path($0, reader.label("publish_from"), in: folder) }
        return Set(paths).sorted()
    }
}
