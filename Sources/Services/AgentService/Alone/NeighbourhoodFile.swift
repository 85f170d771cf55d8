import FleetAPI
import FleetModel
import LinuxIO

/// Remembers over restarts what the coordinator last said of the neighbourhood, so that a mirror finds its neighbours also
/// when it starts while the coordinator is lost.
struct NeighbourhoodFile: Sendable {
    private static let name = "neighbourhood.json"
    private static let temporaryName = ".neighbourhood.new"
    private static let sizeLimit = 1 << 20

    private let folder: Folder

    /// The file in `folder`, which the agent owns.
    init(in folder: Folder) {
        self.folder = folder
    }

    /// What was last written; nil if there is nothing. Throws `FileError`, or `MalformedJSON` if it is damaged.
    func read() throws -> Neighbourhood? {
        guard let file = try folder.openFileIfPresent(Self.name) else { return nil }
        return try WireJSON.decode(Neighbourhood.self, from: try file.readAll(limit: Self.sizeLimit))
    }

    /// Writes `neighbourhood`; durable when it returns, and the file is at no moment half written.
    func write(_ neighbourhood: Neighbourhood) throws {
        try folder.writeDurably(
            WireJSON.encode(neighbourhood), to: Self.name, through: Self.temporaryName, mode: 0o600)
    }
}
