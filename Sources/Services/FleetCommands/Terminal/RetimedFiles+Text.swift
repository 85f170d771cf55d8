import FleetModel

extension RetimedFiles {
    /// For people: `20 files (1.0 MB)`.
    var text: String {
        "\(Quantity.count(files)) \(files == 1 ? "file" : "files") (\(Quantity.describe(bytes: bytes)))"
    }
}
