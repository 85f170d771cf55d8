import ArgumentParser
import FleetModel

/// The options of `lab up` that put hosts into network namespaces.
struct LabNetworkOptions: ParsableArguments {
    /// tbf with less than this passes no packet in time.
    private static let leastRate: UInt64 = 8_000
    private static let mostRate: UInt64 = 12_500_000_000
    private static let regionLimit = 8

    @Flag(
        name: .customLong("netns"),
        help: "Put each host H into a network namespace mf-H, joined by bridges. Needs root and iproute2.")
    var isWanted = false

    @Option(help: ArgumentHelp("How fast each host sends and receives, e.g. 100mbit or 50MB.", valueName: "rate"))
    var rate: String?

    @Option(
        help: ArgumentHelp(
            "How fast the mirrors send instead, in turns, e.g. 100mbit,50mbit,20mbit.", valueName: "rates"))
    var upRates: String?

    @Option(help: "Into how many regions the mirrors are divided; the origin is in the first.") var regions: Int?

    @Option(help: ArgumentHelp("How fast the link between regions is, each way.", valueName: "rate"))
    var regionRate: String?

    @Option(
        name: .customLong("netns-prefix"),
        help: ArgumentHelp("What the namespaces' names begin with, for a second lab (mf).", valueName: "prefix"))
    var prefix: String?

    /// What the options say; only for options that are valid.
    var wish: LabNetwork.Wish {
        var wish = LabNetwork.Wish()
        wish.prefix = prefix ?? LabNetwork.standardPrefix
        wish.rate = rate.flatMap { try? Self.bytes($0) }
        wish.upRates = (try? Self.list(upRates)) ?? []
        wish.regions = regions ?? 1
        wish.regionRate = regionRate.flatMap { try? Self.bytes($0) }
        return wish
    }

    func validate() throws {
        let others: [(name: String, isGiven: Bool)] = [
            ("--rate", rate != nil), ("--up-rates", upRates != nil), ("--regions", regions != nil),
            ("--region-rate", regionRate != nil), ("--netns-prefix", prefix != nil),
        ]
        if !isWanted, let other = others.first(where: \.isGiven) {
            throw ValidationError("\(other.name) goes with --netns")
        }
        _ = try rate.map(Self.bytes)
        _ = try Self.list(upRates)
        _ = try regionRate.map(Self.bytes)
        if let regions, !(1...Self.regionLimit).contains(regions) {
            throw ValidationError("--regions takes 1 to \(Self.regionLimit)")
        }
        if regionRate != nil, regions ?? 1 < 2 { throw ValidationError("--region-rate goes with --regions 2 or more") }
        if let prefix, !Self.isPrefix(prefix) {
            throw ValidationError("--netns-prefix takes 1 to \(LabNetwork.prefixLimit) of a-z and 0-9")
        }
    }

    private static func list(_ text: String?) throws -> [UInt64] {
        try text?.split(separator: ",", omittingEmptySubsequences: false).map { try bytes(String($0)) } ?? []
    }

    private static func bytes(_ text: String) throws -> UInt64 {
        guard let rate = try? Quantity.bytesPerSecond(text) else {
            throw ValidationError("\"\(text)\" is no rate: write e.g. 100mbit, or 50MB for bytes a second")
        }
        guard (leastRate...mostRate).contains(rate) else {
            throw ValidationError("the rate \(text) is out of range: 64kbit to 100gbit")
        }
        return rate
    }

    private static func isPrefix(_ text: String) -> Bool {
        (1...LabNetwork.prefixLimit).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) }
    }
}
