import FoundationEssentials
import Testing

/// The layers of the project, the lowest first; arrows point down only.
enum Layer: String, CaseIterable, Comparable {
    case c = "C"
    case core = "Core"
    case system = "System"
    case services = "Services"
    case commands = "Commands"

    static func < (left: Layer, right: Layer) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// One Swift file below Sources: its target and layer follow from where it lies.
struct SourceFile {
    var path: String
    var layer: Layer
    var target: String
    var text: SwiftText

    /// `path` is relative to the package, as in `Sources/Core/Trust/PublisherKey.swift`.
    init?(path: String, source: String) {
        let parts = path.split(separator: "/").map { String($0) }
        guard parts.count >= 4, parts[0] == "Sources", let layer = Layer(rawValue: parts[1]) else { return nil }
        self.path = path
        self.layer = layer
        self.target = Self.module(ofFolder: parts[2])
        self.text = SwiftText(source)
    }
}

extension SourceFile {
    /// The name under which a target is imported: a hyphen is no letter of an identifier.
    static func module(ofFolder folder: String) -> String {
        String(folder.map { $0 == "-" ? "_" : $0 })
    }
}

/// All Swift files below Sources, and the targets of every layer by their folders.
struct SourceTree {
    var files: [SourceFile]
    var layers: [String: Layer]

    init(files: [SourceFile], layers: [String: Layer]) {
        self.files = files
        self.layers = layers
    }

    /// Reads the package that this file belongs to.
    static func load(file: String = #filePath) throws -> SourceTree {
        let tests = try #require(file.firstRange(of: "/Tests/Architecture/"))
        let package = String(file[..<tests.lowerBound])
        let manager = FileManager.default
        var files: [SourceFile] = []
        var layers: [String: Layer] = [:]
        for layer in Layer.allCases {
            let folder = "\(package)/Sources/\(layer.rawValue)"
            for target in try manager.contentsOfDirectory(atPath: folder).sorted() {
                layers[SourceFile.module(ofFolder: target)] = layer
            }
            for name in try manager.subpathsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".swift") {
                let contents = try #require(manager.contents(atPath: "\(folder)/\(name)"))
                let source = String(decoding: contents, as: UTF8.self)
                files.append(
                    try #require(SourceFile(path: "Sources/\(layer.rawValue)/\(name)", source: source), "\(name)"))
            }
        }
        return SourceTree(files: files, layers: layers)
    }
}
