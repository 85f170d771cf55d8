package import FleetModel

/// Reads agent.yaml.
package enum AgentFile {
    /// The settings that the text describes.
    /// - Parameters:
    ///   - text: the bytes of the file.
    ///   - file: its name, for messages, and for relative paths: they are relative to its folder.
    /// - Throws: every mistake in the file, sorted by place.
    package static func parse(_ text: [UInt8], file: String) throws(FleetFileErrors) -> AgentSettings {
        do {
            return try AgentReading.settings(from: YAMLText.node(text), folder: FilePlace.folder(of: file))
        } catch {
            throw FleetFileErrors(error, file: file)
        }
    }
}
