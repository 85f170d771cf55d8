import Content
import Hashing

/// Sets of names that are legal and as bad as can be for the tree.
enum HostileSamples {
    /// Fifteen components of 255 bytes.
    static let longDirectory = (0..<15).map { _ in String(repeating: "x", count: 255) }.joined(separator: "/")

    /// A path of 4,095 bytes that begins as all others do.
    static func longPath(_ number: Int) throws -> RelativePath {
        let name = String(number)
        return try RelativePath(longDirectory + "/" + String(repeating: "y", count: 254 - name.utf8.count) + "-" + name)
    }

    /// The largest entry there can be.
    static func longLink(_ number: Int) throws -> ManifestEntry {
        let path = try longPath(number)
        return try ManifestEntry(
            path: path, type: .symlink, modified: .min, linkTarget: [UInt8](repeating: 0xFF, count: 4_095))
    }

    private static let boundary = BLAKE3Context("mirrorfleet v1 manifest boundary")

    /// The first name from `number` on that the drawn rule never cuts after, on the levels 0 to 3.
    static func uncutPath(from number: Int) throws -> RelativePath {
        var number = number
        while true {
            let path = try RelativePath("ground/\(number)")
            let hash = boundary.hash(path.bytes).bytes
            if (0..<4).allSatisfy({ hash[4 * $0 + 3] < 0x80 }) { return path }
            number += 1
        }
    }
}
