/// Reads what is said of bandwidth, in fleet.yaml and in agent.yaml.
enum BandwidthReading {
    /// The `bandwidth` part of fleet.yaml.
    struct Read {
        /// By their names.
        var profiles: [String: BandwidthProfile] = [:]
        /// Names of profiles that stand there, also those that could not be read.
        var names: Set<String> = []
        var weights: [String: Int] = [:]
        /// Sets that weights are given to.
        var weighted: [PlacedText] = []
    }

    /// No set has a larger share than so many times that of another.
    static let weightLimit = 1_000
    private static let ruleLimit = 100
    private static let profileLimit = 1_000
    private static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// The part `bandwidth` of fleet.yaml.
    static func section(_ reader: MappingReader) -> Read {
        var read = Read()
        let section = reader.mapping(
            "bandwidth", keys: ["profiles", "priorities"], later: ["total", "regions", "latency"])
        guard let section else { return read }
        for pair in section.pairs(of: "profiles").prefix(profileLimit) {
            let label = "\(section.label("profiles")).\(pair.key)"
            guard section.checkName(PlacedText(text: pair.key, place: pair.keyPlace), label) else { continue }
            read.names.insert(pair.key)
            if let profile = Self.profile(pair.value, label, section.mistakes) { read.profiles[pair.key] = profile }
        }
        for pair in section.pairs(of: "priorities") {
            let label = "\(section.label("priorities")).\(pair.key)"
            let name = PlacedText(text: pair.key, place: pair.keyPlace)
            guard section.checkName(name, label) else { continue }
            read.weighted.append(name)
            guard let text = MappingReader.text(pair.value, label, section.mistakes) else { continue }
            if let weight = Int(text.text), (1...weightLimit).contains(weight),
                text.text.utf8.first != UInt8(ascii: "+")
            {
                read.weights[pair.key] = weight
            } else {
                section.mistakes.add(
                    text.place, "\(label): \(Spelling.quoted(text.text)) is not a number from 1 to \(weightLimit)",
                    "write a share: a set with 8 has eight times as much as one with 1 while both want more")
            }
        }
        return read
    }

    /// What a mirror, or the defaults, have under `bandwidth`: the name of a profile.
    static func chosen(_ reader: MappingReader, among read: Read) -> BandwidthProfile? {
        guard let name = reader.name("bandwidth") else { return nil }
        if let profile = read.profiles[name.text] { return profile }
        if read.names.contains(name.text) { return nil }
        let what = "\(reader.label("bandwidth")): no profile \(Spelling.quoted(name.text))"
        if let near = Spelling.nearest(to: name.text, among: read.names.sorted()) {
            reader.mistakes.add(name.place, what, "did you mean \(Spelling.quoted(near))?")
        } else {
            reader.mistakes.add(name.place, what, "write it below bandwidth.profiles, or take another one")
        }
        return nil
    }

    /// `bandwidth` of agent.yaml: what the host never exceeds, whatever it is told.
    static func ceilings(_ reader: MappingReader) -> TransferLimits {
        let section = reader.mapping("bandwidth", keys: ["up", "down"], later: ["profile", "burst", "latency"])
        guard let section else { return .none }
        return TransferLimits(up: section.rate("up"), down: section.rate("down"))
    }

    private static func profile(
        _ node: PlacedNode, _ label: String, _ mistakes: MistakeList
    ) -> BandwidthProfile? {
        guard case .sequence(let items) = node.content else {
            mistakes.add(node.place, "\(label) is \(node.kind)", "write a list of rules, e.g. \"[{up: 50MB}]\"")
            return nil
        }
        guard items.count <= ruleLimit else {
            mistakes.add(node.place, "\(label) has \(items.count) rules", "write \(ruleLimit) at most")
            return nil
        }
        var rules: [BandwidthProfile.Rule] = []
        for (index, item) in items.enumerated() {
            if let rule = Self.rule(item, "\(label)[\(index)]", mistakes) { rules.append(rule) }
        }
        return rules.count == items.count ? BandwidthProfile(rules: rules) : nil
    }

    private static func rule(
        _ node: PlacedNode, _ label: String, _ mistakes: MistakeList
    ) -> BandwidthProfile.Rule? {
        let before = mistakes.mistakes.count
        let reader = MappingReader(node, path: label, keys: ["days", "hours", "up", "down"], mistakes: mistakes)
        guard let reader else { return nil }
        let days = reader.text("days").flatMap { Self.days($0, reader) }
        let hours = reader.text("hours").flatMap { Self.hours($0, reader) }
        let limits = TransferLimits(up: reader.rate("up"), down: reader.rate("down"))
        guard mistakes.mistakes.count == before else { return nil }
        return BandwidthProfile.Rule(
            days: days ?? Array(0..<BandwidthProfile.daysPerWeek), from: hours?.from ?? 0, to: hours?.to ?? 0,
            limits: limits)
    }

    /// `mon-fri`, `sat,sun`, `fri-mon`.
    private static func days(_ text: PlacedText, _ reader: MappingReader) -> [Int]? {
        var found: Set<Int> = []
        for part in text.text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { name in
                dayNames.firstIndex { $0 == name.trimmed }
            }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else {
                reader.mistakes.add(
                    text.place, "\(reader.label("days")): \(Spelling.quoted(text.text)) are no days",
                    "write e.g. mon-fri or sat,sun")
                return nil
            }
            var day = first
            found.insert(day)
            while day != last {
                day = (day + 1) % BandwidthProfile.daysPerWeek
                found.insert(day)
            }
        }
        return found.sorted()
    }

    /// `08:00-18:00`, `22:00-06:00`, `00:00-24:00`.
    private static func hours(_ text: PlacedText, _ reader: MappingReader) -> (from: Int, to: Int)? {
        let ends = text.text.split(separator: "-", omittingEmptySubsequences: false).map { Self.minute($0) }
        guard ends.count == 2, let from = ends[0], let to = ends[1], from < BandwidthProfile.minutesPerDay else {
            reader.mistakes.add(
                text.place, "\(reader.label("hours")): \(Spelling.quoted(text.text)) are no hours",
                "write e.g. \"08:00-18:00\", or \"22:00-06:00\" for a night")
            return nil
        }
        if from == to {
            reader.mistakes.add(
                text.place, "\(reader.label("hours")): \(Spelling.quoted(text.text)) is no time",
                "leave hours out for the whole day")
            return nil
        }
        return (from, to % BandwidthProfile.minutesPerDay)
    }

    private static func minute(_ text: Substring) -> Int? {
        let bytes = Array(text.trimmed.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
        let digits = [bytes[0], bytes[1], bytes[3], bytes[4]].map { Int($0) - 0x30 }
        guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
        let (hour, minute) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard minute < 60, hour < 24 || (hour == 24 && minute == 0) else { return nil }
        return hour * 60 + minute
    }
}

extension Substring {
    /// Without spaces at its ends.
    fileprivate var trimmed: Substring {
        var rest = drop { $0 == " " }
        while rest.last == " " { rest = rest.dropLast() }
        return rest
    }
}
