/// A rule that a file breaks, and where.
struct Violation: Hashable, CustomStringConvertible {
    var path: String
    var line: Int
    var what: String

    var description: String { "\(path):\(line): \(what)" }
}

/// The rules of docs/architecture.md that a text can show. Each is a function of source texts, so that a test can show
/// it a bad one.
enum Rules {
    /// What a target of Core may import: its row of the table in docs/architecture.md. Nothing else: no Foundation, no
    /// NIO, no Dispatch, no Glibc, no Logging.
    static let coreImports: [String: Set<String>] = [
        "Hashing": ["CBLAKE3", "CXXHash", "Crypto"],
        "Content": ["Hashing", "CFastCDC"],
        "Trust": ["Hashing", "Content", "UpdateFramework", "Crypto"],
        "UpdateFramework": ["Hashing", "Crypto"],
        "FleetModel": ["Content", "Trust", "UpdateFramework", "Hashing"],
        "Planning": ["FleetModel", "UpdateFramework", "Content", "Hashing"],
        "Retention": [],
        "Swarm": ["Content"],
        "Bandwidth": [],
        // Synchronization: messages give their memory back to a pool from whatever thread dropped them last.
        "STOQ": ["Content", "Hashing", "CZstd", "Synchronization"],
    ]

    /// Arrows inside a layer above Core; between layers every arrow that points down is allowed, but for the ones below.
    static let sameLayerImports: [String: Set<String>] = [
        "Store": ["LinuxIO", "Database"],
        "STOQTransport": ["FleetCertificates", "LinuxIO"],
        "FleetCertificates": ["LinuxIO"],
        "SigningKeys": ["FleetCertificates", "LinuxIO"],
        "TrustFiles": ["LinuxIO"],
        "AgentService": ["FleetAPI"],
        "CoordinatorService": ["FleetAPI"],
        // AgentService: it retrieves content as an agent fetches it.
        "FleetCommands": ["FleetAPI", "AgentService"],
    ]

    /// What must not be linked into a target, by whatever way.
    static let neverReached: [String: Set<String>] = [
        "CoordinatorService": ["Store", "Swarm", "STOQ", "STOQTransport"],
        "fleet_coordinator": ["Store", "Swarm", "STOQ", "STOQTransport", "AgentService"],
        "AgentService": ["Planning"],
        "fleet_agent": ["Planning", "CoordinatorService"],
    ]

    /// Types and functions that bring time, randomness, tasks, files or output into a pure target.
    static let impureWords: Set<String> = [
        "Task", "Date", "UUID", "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", "DispatchQueue",
        "Thread", "FileManager", "FileHandle", "ProcessInfo", "Logger", "print", "debugPrint", "readLine",
    ]

    /// Members that do.
    static let impureMembers: Set<String> = ["random", "randomElement", "shuffle", "shuffled"]

    /// Core imports what its table names, and every target of Core has a row in it.
    static func coreImportsOnlyItsTable(_ tree: SourceTree) -> [Violation] {
        tree.files.filter { $0.layer == .core }.flatMap { file in
            file.text.imports.compactMap { module, line in
                guard let allowed = coreImports[file.target] else {
                    return Violation(path: file.path, line: line, what: "\(file.target) has no row in the table")
                }
                guard !allowed.contains(module) else { return nil }
                return Violation(path: file.path, line: line, what: "\(file.target) may not import \(module)")
            }
        }
    }

    /// No time, randomness, task or output in Core: what needs them gets values.
    static func coreIsPure(_ tree: SourceTree) -> [Violation] {
        tree.files.filter { $0.layer == .core }.flatMap { file in
            file.text.words.compactMap { word in
                let isImpure =
                    word.before == "."
                    ? impureMembers.contains(word.text)
                    : word.before != "`" && word.after != ":" && impureWords.contains(word.text)
                return isImpure ? Violation(path: file.path, line: word.line, what: "\(word.text) in Core") : nil
            }
        }
    }

    /// Arrows between our targets point to a lower layer, or along the table inside a layer.
    static func arrowsPointDown(_ tree: SourceTree) -> [Violation] {
        tree.files.flatMap { file in
            file.text.imports.compactMap { module, line in
                guard let layer = tree.layers[module], module != file.target else { return nil }
                if layer < file.layer { return nil }
                if layer == file.layer {
                    let table = file.layer == .core ? coreImports : sameLayerImports
                    if table[file.target, default: []].contains(module) { return nil }
                }
                return Violation(path: file.path, line: line, what: "\(file.target) may not import \(module)")
            }
        }
    }

    /// What a program must not link is not imported anywhere on the way either.
    static func forbiddenIsNeverReached(_ tree: SourceTree) -> [Violation] {
        var arrows: [String: Set<String>] = [:]
        for file in tree.files {
            arrows[file.target, default: []].formUnion(file.text.imports.map(\.module).filter { $0 != file.target })
        }
        return neverReached.keys.sorted().flatMap { target in
            var reached: Set<String> = []
            var pending = [target]
            while let next = pending.popLast() {
                for module in arrows[next, default: []] where reached.insert(module).inserted {
                    pending.append(module)
                }
            }
            return neverReached[target, default: []].intersection(reached).sorted().map { module in
                Violation(path: "Sources/.../\(target)", line: 0, what: "\(target) reaches \(module)")
            }
        }
    }

    /// Between targets `package` is used; the package has no clients.
    static func nothingIsPublic(_ tree: SourceTree) -> [Violation] {
        tree.files.flatMap { file in
            ["public", "open"].flatMap { keyword in
                file.text.words.filter { word in
                    word.text == keyword && word.before != "." && word.before != "`"
                        && (keyword == "public" ? word.after != ":" : declares(after: word, in: file.text))
                }.map { Violation(path: file.path, line: $0.line, what: keyword) }
            }
        }
    }

    /// Full Foundation makes a static program four times as large; FoundationEssentials is what may be used.
    static func nothingImportsFullFoundation(_ tree: SourceTree) -> [Violation] {
        tree.files.flatMap { file in
            file.text.imports.filter { $0.module == "Foundation" || $0.module == "FoundationNetworking" }.map {
                Violation(path: file.path, line: $0.line, what: "import \($0.module)")
            }
        }
    }

    /// `open` is also a function and a name: it is a modifier only right before a declaration.
    private static func declares(after word: SwiftText.Word, in text: SwiftText) -> Bool {
        let declarations: Set = ["class", "func", "var", "override", "subscript", "final"]
        guard let index = text.words.firstIndex(of: word), index + 1 < text.words.count else { return false }
        let next = text.words[index + 1]
        return next.before == " " && next.statement == word.statement && declarations.contains(next.text)
    }
}
