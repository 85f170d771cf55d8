package import FleetModel

/// Reads fleet.yaml.
package enum FleetFile {
    /// The fleet that the text describes.
    /// - Parameters:
    ///   - text: the bytes of the file.
    ///   - file: its name, for messages, and for relative paths: they are relative to its folder.
    /// - Throws: every mistake in the file, sorted by place.
    package static func parse(_ text: [UInt8], file: String) throws(FleetFileErrors) -> Fleet {
        do {
            return try FleetReading.fleet(from: YAMLText.node(text), folder: FilePlace.folder(of: file))
        } catch {
            throw FleetFileErrors(error, file: file)
        }
    }

    /// What differs between two texts that are valid, by what they say. Throws what is wrong with the form of either.
    package static func changes(
        from old: [UInt8], to new: [UInt8], file: String
    ) throws(FleetFileErrors) -> [PolicyChange] {
        do {
            return PolicyDifference.between(try YAMLText.node(old), try YAMLText.node(new))
        } catch {
            throw FleetFileErrors(error, file: file)
        }
    }
}
