import Content

/// The payload of HELLO: the word `STOQ`, the range of versions, then settings. Its layout is the same in every version.
struct STOQHello: Hashable, Sendable {
    /// The versions that this program speaks.
    static let versions: ClosedRange<UInt16> = 1...1
    /// `STOQ`.
    static let magic: [UInt8] = [0x53, 0x54, 0x4F, 0x51]
    /// The longest HELLO: room for settings that this version does not know.
    static let byteLimit = 1 << 10
    /// The most settings in one HELLO.
    static let settingLimit = 64

    /// The numbers of the settings.
    enum Setting: UInt64, CaseIterable {
        case frameBytes = 1
        case messageBytes = 2
        case streams = 3
        case streamWindow = 4
        case controlWindow = 5
        case metadataWindow = 6
        case interactiveWindow = 7
        case bulkWindow = 8

        /// The values that make sense.
        var range: ClosedRange<UInt64> {
            switch self {
            case .frameBytes: 16 << 10...UInt64(STOQLimits.frameCeiling)
            case .messageBytes: UInt64(STOQLimits.messageCeiling)...UInt64(STOQLimits.messageCeiling)
            case .streams: 1...UInt64(STOQLimits.streamCeiling)
            default:
                UInt64(STOQLimits.cost(STOQLimits.messageCeiling))...UInt64(STOQLimits.windowCeiling)
            }
        }
    }

    /// The versions that the sender speaks.
    let minimum: UInt16
    let maximum: UInt16
    /// What the sender takes; the times in it mean nothing.
    let limits: STOQLimits

    /// The HELLO of this program.
    init(_ limits: STOQLimits) {
        minimum = Self.versions.lowerBound
        maximum = Self.versions.upperBound
        self.limits = limits
    }

    /// The version that both sides speak, the highest if there are several.
    func commonVersion() throws(STOQViolation) -> UInt16 {
        let version = min(maximum, Self.versions.upperBound)
        guard version >= minimum, version >= Self.versions.lowerBound else {
            throw .noCommonVersion(minimum: minimum, maximum: maximum)
        }
        return version
    }

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.bytes(Self.magic)
        writer.u16(minimum)
        writer.u16(maximum)
        writer.varint(UInt64(Setting.allCases.count))
        for setting in Setting.allCases {
            writer.varint(setting.rawValue)
            writer.varint(UInt64(value(of: setting)))
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(STOQViolation) {
        guard bytes.starts(with: Self.magic) else { throw .noHello }
        do {
            var reader = ByteReader(bytes)
            _ = try reader.raw(Self.magic.count)
            minimum = try reader.u16()
            maximum = try reader.u16()
            var values: [Setting: UInt64] = [:]
            var last: UInt64?
            for _ in 0..<(try reader.count(max: Self.settingLimit)) {
                let id = try reader.varint()
                let value = try reader.varint()
                // Ascending, so none comes twice.
                if let last, id <= last { throw STOQViolation.badSetting(id: id, value: value) }
                last = id
                guard let setting = Setting(rawValue: id) else { continue }
                guard setting.range.contains(value) else { throw STOQViolation.badSetting(id: id, value: value) }
                values[setting] = value
            }
            try reader.expectEnd()
            limits = try Self.limits(values)
        } catch let error as CodecError {
            throw .badGreeting(error)
        } catch let error as STOQViolation {
            throw error
        } catch {
            throw .noHello
        }
        guard minimum <= maximum else { throw .noCommonVersion(minimum: minimum, maximum: maximum) }
    }

    private func value(of setting: Setting) -> Int {
        switch setting {
        case .frameBytes: limits.frameBytes
        case .messageBytes: limits.messageBytes
        case .streams: limits.streams
        case .streamWindow: limits.streamWindow
        case .controlWindow: limits.windows[.control]
        case .metadataWindow: limits.windows[.metadata]
        case .interactiveWindow: limits.windows[.interactive]
        case .bulkWindow: limits.windows[.bulk]
        }
    }

    private static func limits(_ values: [Setting: UInt64]) throws(STOQViolation) -> STOQLimits {
        func value(_ setting: Setting) throws(STOQViolation) -> Int {
            guard let value = values[setting] else { throw .badSetting(id: setting.rawValue, value: nil) }
            return Int(value)
        }
        var limits = STOQLimits()
        limits.frameBytes = try value(.frameBytes)
        limits.messageBytes = try value(.messageBytes)
        limits.streams = try value(.streams)
        limits.streamWindow = try value(.streamWindow)
        limits.windows = STOQLimits.Windows(
            control: try value(.controlWindow), metadata: try value(.metadataWindow),
            interactive: try value(.interactiveWindow), bulk: try value(.bulkWindow))
        return limits
    }
}
