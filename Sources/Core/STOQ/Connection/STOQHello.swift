import Content

/// The first frame of each side.
package struct STOQHello: Sendable, Hashable {
    /// Versions of the protocol that this program speaks.
    package static let versions: ClosedRange<UInt8> = 1...1
    private static let magic = Array("STOQ".utf8)

    let versions: ClosedRange<UInt8>
    let streamCredit: UInt64
    let connectionCredit: UInt64
    package let greeting: STOQGreeting

    package init(_ greeting: STOQGreeting, limits: STOQLimits) {
        versions = Self.versions
        streamCredit = UInt64(limits.streamCredit)
        connectionCredit = UInt64(limits.connectionCredit)
        self.greeting = greeting
    }

    /// The payload of the frame.
    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.bytes(Self.magic)
        writer.u8(versions.lowerBound)
        writer.u8(versions.upperBound)
        writer.varint(streamCredit)
        writer.varint(connectionCredit)
        greeting.encode(into: &writer)
        return writer.bytes
    }

    /// Reads a peer's hello. What follows the greeting belongs to a later version and is ignored.
    package init(decoding bytes: [UInt8]) throws(STOQViolation) {
        var reader = ByteReader(bytes)
        do {
            guard try reader.raw(Self.magic.count) == Self.magic else { throw STOQViolation.notSTOQ }
            let (low, high) = (try reader.u8(), try reader.u8())
            guard low <= high else { throw STOQViolation.malformedFrame("versions \(low) to \(high)") }
            versions = low...high
            guard versions.overlaps(Self.versions) else {
                throw STOQViolation.noCommonVersion(ours: Self.versions, theirs: versions)
            }
            streamCredit = try reader.varint(max: STOQConnectionMachine.creditCeiling)
            connectionCredit = try reader.varint(max: STOQConnectionMachine.creditCeiling)
            greeting = try STOQGreeting(decoding: &reader)
        } catch let violation as STOQViolation {
            throw violation
        } catch {
            throw .malformedFrame("\(error)")
        }
    }
}
