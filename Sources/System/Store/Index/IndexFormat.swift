/// Names, numbers and limits of the files of an index: docs/formats/chunk-index.md.
enum IndexFormat {
    /// Format of every file of an index.
    static let version: UInt32 = 1

    static let stateName = "state"
    static let newStateName = "state.new"
    /// There while an index is made again: what lies beside it is not whole.
    static let rebuildingName = "rebuilding"

    static func logName(_ number: UInt64) -> String { "log-" + digits(number) }
    static func runName(_ number: UInt64) -> String { "run-" + digits(number) }

    /// The number in the name of a log or run; nil for any other name.
    static func number(in name: [UInt8]) -> UInt64? {
        guard name.count == 20, name.starts(with: "log-".utf8) || name.starts(with: "run-".utf8) else { return nil }
        return UInt64(String(decoding: name[4...], as: UTF8.self), radix: 16)
    }

    private static func digits(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }

    static let stateMagic = magic("mfixsta\n")
    static let logMagic = magic("mfixlog\n")
    static let runMagic = magic("mfixrun\n")
    static let runEndMagic = magic("mfixend\n")
    /// "mfre"
    static let recordMagic: UInt32 = 0x6572_666d

    private static func magic(_ text: StaticString) -> UInt64 {
        text.withUTF8Buffer { UnsafeRawBufferPointer($0).loadUnaligned(as: UInt64.self).littleEndian }
    }

    static let logHeaderBytes = 48
    static let recordHeaderBytes = 64
    /// Entries of one record of the log: 3 MiB, so that reading a log takes little memory.
    static let recordEntryLimit = 65_536
    /// A log that is longer is folded into a run even if it has few entries.
    static let logByteLimit: UInt64 = 64 << 20

    static let runHeaderBytes = 64
    static let runFooterBytes = 128
    /// Entries of one run; the table of buckets counts them in 32 bits.
    static let runEntryLimit: UInt64 = 0xffff_ffff
    /// Runs of one index: with four runs to a level far more than fit on any disk.
    static let runLimit = 64
    /// Removed blobs remembered; beyond it the next spill rewrites the index without them.
    static let removedLimit = 1 << 20
    /// A state file is never longer: 16 bytes a run and 8 a removed blob, with room for what one log adds.
    static let stateByteLimit = 64 << 20
}

extension UnsafeRawBufferPointer {
    /// The little-endian number at `offset`, which must lie within.
    @inline(__always)
    func number<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Writes a little-endian number at `offset`, which must lie within.
    @inline(__always)
    func put<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }
}
