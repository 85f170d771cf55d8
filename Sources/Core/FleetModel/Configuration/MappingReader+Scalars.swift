/// Single values with a meaning.
extension MappingReader {
    /// A name of a fleet, host, set or region: `[a-z0-9][a-z0-9-]{0,62}`.
    func name(_ key: String) -> PlacedText? {
        guard let text = text(key) else { return nil }
        return checkName(text, label(key)) ? text : nil
    }

    func checkName(_ name: PlacedText, _ label: String) -> Bool {
        func isPlain(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        let bytes = name.text.utf8
        let dash = UInt8(ascii: "-")
        if let first = bytes.first, isPlain(first), bytes.count <= 63, bytes.allSatisfy({ isPlain($0) || $0 == dash }) {
            return true
        }
        mistakes.add(
            name.place, "\(label): \(Spelling.quoted(name.text)) is not a name",
            "use 1 to 63 of a-z, 0-9 and -, not beginning with -")
        return false
    }

    /// The names of the list `key`, each once.
    func names(_ key: String) -> [PlacedText]? {
        guard let texts = texts(key) else { return nil }
        var seen: Set<String> = []
        return texts.filter { item in
            guard checkName(item, label(key)) else { return false }
            if seen.insert(item.text).inserted { return true }
            mistakes.add(item.place, "\(label(key)): \(Spelling.quoted(item.text)) stands there twice", "remove one")
            return false
        }
    }

    /// One of a few words.
    func word(_ key: String, of words: [String], later: [String] = []) -> String? {
        guard let text = text(key) else { return nil }
        return checkWord(text, label(key), of: words, later: later) ? text.text : nil
    }

    func checkWord(_ word: PlacedText, _ label: String, of words: [String], later: [String] = []) -> Bool {
        if words.contains(word.text) { return true }
        if later.contains(word.text) {
            mistakes.add(
                word.place, "\(label): \(Spelling.quoted(word.text)) is not supported yet",
                "write \(Spelling.alternatives(words))")
            return false
        }
        let what = "\(label): \(Spelling.quoted(word.text)) is not known"
        if let near = Spelling.nearest(to: word.text, among: words) {
            mistakes.add(word.place, what, "did you mean \(Spelling.quoted(near))?")
        } else {
            mistakes.add(word.place, what, "write \(Spelling.alternatives(words))")
        }
        return false
    }

    /// A whole number in the range.
    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(key) else { return nil }
        let digits = text.text.utf8
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text.text), range.contains(value)
        else {
            mistakes.add(
                text.place,
                "\(label(key)): \(Spelling.quoted(text.text)) is not a number from \(range.lowerBound) to \(range.upperBound)",
                "write one without a unit")
            return nil
        }
        return value
    }

    /// A number in the range, with a point where it is not whole.
    func number(_ key: String, in range: ClosedRange<Double>) -> Double? {
        guard let text = text(key) else { return nil }
        let isPlain = text.text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        if isPlain, let number = Double(text.text), range.contains(number) { return number }
        fail(
            key,
            "\(Spelling.quoted(text.text)) is not a number from \(Self.shown(range.lowerBound)) to"
                + " \(Self.shown(range.upperBound))", "write one, e.g. 1.5")
        return nil
    }

    private static func shown(_ bound: Double) -> String { "\(Int(bound))" }

    /// `true` or `false`, nothing else: yes, on and 1 mean different things to different readers.
    func flag(_ key: String) -> Bool? {
        guard let text = text(key) else { return nil }
        switch text.text {
        case "true": return true
        case "false": return false
        default:
            mistakes.add(
                text.place, "\(label(key)): \(Spelling.quoted(text.text)) is neither true nor false",
                "write true or false")
            return nil
        }
    }

    /// Seconds from a duration such as `1h30m`.
    func seconds(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let text = text(key) else { return nil }
        let quoted = Spelling.quoted(text.text)
        do {
            let seconds = try Quantity.seconds(text.text)
            if range.contains(seconds) { return seconds }
            mistakes.add(
                text.place, "\(label(key)): \(quoted) is out of range",
                "write \(Quantity.describe(seconds: range.lowerBound)) to \(Quantity.describe(seconds: range.upperBound))"
            )
        } catch {
            switch error {
            case .noUnit:
                mistakes.add(
                    text.place, "\(label(key)): \(quoted) has no unit",
                    "say \(text.text)s for seconds or \(text.text)m for minutes")
            default:
                mistakes.add(
                    text.place, "\(label(key)): \(quoted) is not a duration",
                    "write e.g. 30s, 5m, 1h30m or 2d, larger units first")
            }
        }
        return nil
    }

    /// A part of a disk: a size such as `10GB`, or a percentage such as `5%`.
    func diskReserve(_ key: String) -> DiskReserve? { amount(key, upTo: 90) }

    /// A size such as `10GB`, or a percentage of a whole, at most `limit`.
    func amount(_ key: String, upTo limit: UInt64) -> DiskReserve? {
        guard let text = text(key) else { return nil }
        if text.text.hasSuffix("%") {
            let digits = text.text.dropLast()
            if digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let percent = UInt64(digits), percent <= limit {
                return .percent(percent)
            }
            mistakes.add(
                text.place, "\(label(key)): \(Spelling.quoted(text.text)) is not a percentage", "write 0% to \(limit)%")
            return nil
        }
        return size(text, label(key), orPercentage: true).map { .bytes($0) }
    }

    /// A size such as `10GB`.
    func size(_ key: String) -> UInt64? {
        text(key).flatMap { size($0, label(key), orPercentage: false) }
    }

    private func size(_ text: PlacedText, _ label: String, orPercentage: Bool) -> UInt64? {
        let quoted = Spelling.quoted(text.text)
        do {
            return try Quantity.bytes(text.text)
        } catch {
            let what: String
            let remedy: String
            switch error {
            case .noUnit:
                what = "\(quoted) has no unit"
                remedy = "say \(text.text)B for bytes, \(text.text)GB" + (orPercentage ? " or \(text.text)%" : "")
            case .ambiguousUnit(let number, let letter):
                what = "\(quoted) does not say of what"
                let letter = letter == "K" ? "k" : letter
                remedy = "say \(number)\(letter)B for bytes (\(number)\(letter)bit would be bits)"
            case .isRate:
                what = "\(quoted) is in bits"
                remedy = "write bytes, e.g. 10GB" + (orPercentage ? ", or a percentage" : "")
            case .tooLarge:
                what = "\(quoted) is too large"
                remedy = "write a size that a disk can have"
            case .malformed:
                what = "\(quoted) is not a size"
                remedy = orPercentage ? "write e.g. 500MB, 10GB, 64GiB or 5%" : "write e.g. 500MB, 10GB or 64GiB"
            }
            mistakes.add(text.place, "\(label): \(what)", remedy)
            return nil
        }
    }

    /// Bytes a second, from `50MB` or `100mbit`; `0` is a rate, too.
    func rate(_ key: String) -> UInt64? {
        guard let text = text(key) else { return nil }
        let what: String
        let remedy: String
        do {
            return try Quantity.bytesPerSecond(text.text)
        } catch {
            switch error {
            case .noUnit:
                what = "has no unit"
                remedy = "say \(text.text)MB for bytes a second, or \(text.text)mbit"
            case .ambiguousUnit:
                what = "does not say of what"
                remedy = "say \(Quantity.unambiguous(text.text))"
            case .tooLarge:
                what = "is too large"
                remedy = "leave it out for no limit"
            case .isRate, .malformed:
                what = "is not a rate"
                remedy = "write e.g. 50MB for bytes a second, 100mbit for bits, or 0 for nothing"
            }
        }
        mistakes.add(text.place, "\(label(key)): \(Spelling.quoted(text.text)) \(what)", remedy)
        return nil
    }

    /// A part of a whole as a percentage, `least` to 100%.
    func percent(_ key: String, from least: Int = 1) -> Int? {
        guard let text = text(key) else { return nil }
        if text.text.hasSuffix("%"), let percent = Int(text.text.dropLast()), (least...100).contains(percent),
            text.text.utf8.first != UInt8(ascii: "+")
        {
            return percent
        }
        mistakes.add(
            text.place, "\(label(key)): \(Spelling.quoted(text.text)) is not a percentage", "write \(least)% to 100%")
        return nil
    }

    /// An address `HOST:PORT`; port 0 only where a program listens.
    func address(_ key: String, listens: Bool = false) -> NetworkAddress? {
        guard let text = text(key) else { return nil }
        return address(text, label(key), listens: listens)
    }

    func address(_ text: PlacedText, _ label: String, listens: Bool) -> NetworkAddress? {
        if let address = NetworkAddress(text.text), listens || address.port > 0 { return address }
        mistakes.add(
            text.place, "\(label): \(Spelling.quoted(text.text)) is not an address",
            "write HOST:PORT, an IPv6 address in brackets, e.g. \"[::1]:7444\"")
        return nil
    }

    /// The address in `https://HOST:PORT`; the scheme may be left out.
    func httpsAddress(_ text: PlacedText, _ label: String) -> NetworkAddress? {
        var rest = text.text[...]
        if rest.hasPrefix("https://") { rest = rest.dropFirst("https://".count) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        if let address = NetworkAddress(String(rest)), address.port > 0 { return address }
        let what = "\(label): \(Spelling.quoted(text.text)) is not the address of a coordinator"
        mistakes.add(text.place, what, "write \"https://HOST:PORT\"")
        return nil
    }

    /// A path; a relative one is taken from the folder of the file.
    func path(_ key: String, in folder: String) -> String? {
        guard let text = text(key) else { return nil }
        return path(text, label(key), in: folder)
    }

    func path(_ text: PlacedText, _ label: String, in folder: String) -> String? {
        guard !text.text.contains("ed25519-secret:") else {
            // Not quoted: messages end in logs.
            mistakes.add(
                text.place, "\(label): a secret key stands in this file",
                "take it out, keep it in a file of its own, and make a new one if others could read this file")
            return nil
        }
        guard !text.text.unicodeScalars.contains("\0"), text.text.utf8.count <= 4_095 else {
            mistakes.add(text.place, "\(label) is not a path", "write 1 to 4095 bytes without NUL")
            return nil
        }
        return FilePlace.resolve(text.text, in: folder)
    }

    /// A path that must be absolute, because it is on another host.
    func absolutePath(_ key: String) -> String? {
        guard let text = text(key) else { return nil }
        guard text.text.hasPrefix("/") else {
            mistakes.add(
                text.place, "\(label(key)): \(Spelling.quoted(text.text)) is relative",
                "write the whole path as it is on the origin, beginning with /")
            return nil
        }
        return path(text, label(key), in: "")
    }
}

/// Paths in a configuration file.
package enum FilePlace {
    /// The folder of the file `file`: what stands before its last slash; empty for the working directory.
    package static func folder(of file: String) -> String {
        guard let slash = file.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        let folder = String(file[..<slash])
        return folder.isEmpty ? "/" : folder
    }

    /// An absolute path as it is, a relative one below `folder`; a leading `./` and trailing slashes are dropped.
    package static func resolve(_ path: String, in folder: String) -> String {
        var path = path[...]
        while path.utf8.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        while path.hasPrefix("./") { path = path.dropFirst(2) }
        if path.hasPrefix("/") || folder.isEmpty { return String(path) }
        if path == "." { return folder }
        return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
    }
}
