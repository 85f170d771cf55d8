import Swarm

/// What hosts of a swarm tell each other. Blocks and numbers may be written in several ways, so it is the value that must
/// come back.
extension FuzzTarget {
    /// The size of the log that messages are about: a few blocks of ordinals.
    private static let logSize: UInt32 = 300_000

    static func ordinalSet(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let set: OrdinalSet
        do {
            set = try OrdinalSet(decoding: bytes, limit: logSize)
        } catch {
            return refused(error)
        }
        guard set.ranges.last?.upperBound ?? 0 <= logSize else { throw FuzzFinding("an ordinal beyond the limit") }
        guard (try? OrdinalSet(decoding: set.encode(), limit: logSize)) == set else {
            throw FuzzFinding("the set reads back as another one")
        }
        return true
    }

    static func swarmMessage(_ bytes: [UInt8]) throws(FuzzFinding) -> Bool {
        let message: SwarmMessage
        do {
            message = try SwarmMessage(decoding: bytes, size: logSize)
        } catch {
            return refused(error)
        }
        guard (try? SwarmMessage(decoding: message.encode(), size: logSize)) == message else {
            throw FuzzFinding("the message reads back as another one")
        }
        return true
    }
}

extension FuzzSamples {
    static let ordinalSets = [
        OrdinalSet(), OrdinalSet([1, 5, 65_539]), OrdinalSet(10..<300), OrdinalSet((1..<500).map { $0 * $0 }),
        OrdinalSet(0..<300_000),
    ]

    static let swarmMessages: [SwarmMessage] = [
        .hello(SwarmHello(complete: 10, have: OrdinalSet([12, 13, 900]), isNear: false)), .want(OrdinalSet(5..<700)),
        .have([0..<1, 3..<9, 999..<1_000]), .lease([1..<2]), .copied([4..<8, 9..<10]), .cancel([0..<1_000]),
        .claim([5..<6]), .peers([SwarmMember(name: "m1", host: "m1.example.org", port: 7_300, region: "eu")]),
        .distrust(["m1"]),
    ]
}
