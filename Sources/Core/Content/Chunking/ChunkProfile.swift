/// The chunk sizes of a content set. Boundaries, and so everything in a release, depend on it.
package struct ChunkProfile: Hashable, Sendable {
    /// The name in `fleet.yaml`.
    package let name: String
    /// The number in a release document; never changes its meaning.
    package let identifier: UInt8
    /// Bytes; only the last chunk of a blob may have fewer.
    package let minimum: Int
    /// Bytes that chunks have about, on average, where the data is not repetitive.
    package let average: Int
    /// Bytes that no chunk exceeds.
    package let maximum: Int

    /// `default`: 64 KiB, 256 KiB, 1 MiB. A small file is one chunk.
    package static let standard = ChunkProfile(
        name: "default", identifier: 1, minimum: 64 << 10, average: 256 << 10, maximum: 1 << 20)

    /// `images`: 16 KiB, 64 KiB, 256 KiB, for large files of which parts change.
    package static let images = ChunkProfile(
        name: "images", identifier: 2, minimum: 16 << 10, average: 64 << 10, maximum: 256 << 10)

    /// Every profile, by rising identifier.
    package static let all = [standard, images]

    /// The profile of that exact name.
    package init?(name: String) {
        guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// The profile of that number.
    package init?(identifier: UInt8) {
        guard let found = Self.all.first(where: { $0.identifier == identifier }) else { return nil }
        self = found
    }

    /// A profile of other sizes, for tests and benchmarks only: 64 <= minimum < average < maximum.
    package init(name: String, identifier: UInt8, minimum: Int, average: Int, maximum: Int) {
        precondition(64 <= minimum && minimum < average && average < maximum, "sizes \(minimum) \(average) \(maximum)")
        self.name = name
        self.identifier = identifier
        self.minimum = minimum
        self.average = average
        self.maximum = maximum
    }
}
