import FoundationEssentials

/// The files of Tests/Fixtures/fleet.
enum FixtureFolder {
    /// The top of the repository, found from the place of this file.
    static let repository = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }

    /// Set to rewrite the expected texts from what the programs say now; then read the difference.
    static let rewrites = environment("FLEET_REWRITE_GOLDENS") != nil

    static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

    static func names(_ folder: String, suffix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(folder)).filter { $0.hasSuffix(suffix) }.sorted()
    }

    static func path(_ folder: String) -> String { "\(repository)/Tests/Fixtures/fleet/\(folder)" }

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path)))
    }

    static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }
}
