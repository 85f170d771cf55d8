import FleetModel
import LinuxIO

/// Remembers the highest plan generation over restarts, so that an older plan is refused also after one.
struct GenerationFile: Sendable {
    private static let name = "generation"
    private static let temporaryName = ".generation.new"
    private static let sizeLimit = 64

    private let folder: Folder

    /// The file in `folder`, which the agent owns.
    init(in folder: Folder) {
        self.folder = folder
    }

    /// The generation last written; nil if there is none, or what is there is no generation.
    func read() throws(FileError) -> Generation? {
        guard let file = try folder.openFileIfPresent(Self.name) else { return nil }
        let text = String(decoding: try file.readAll(limit: Self.sizeLimit), as: UTF8.self)
        return Generation(String(text.prefix { $0 != "\n" }))
    }

    /// Writes `generation`; durable when it returns, and the file is at no moment half written.
    func write(_ generation: Generation) throws(FileError) {
        try folder.writeDurably(
            Array("\(generation)\n".utf8), to: Self.name, through: Self.temporaryName, mode: 0o600)
    }
}
