/// A value bound to a statement.
package enum Value: Hashable, Sendable, ExpressibleByNilLiteral {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    package init(nilLiteral: ()) { self = .null }

    /// An unsigned number as the integer with the same 64 bits: `Row.unsigned` gives it back. Compares as signed.
    package static func unsigned(_ value: UInt64) -> Value { .integer(Int64(bitPattern: value)) }

    /// A number that is known to fit.
    package static func integer(_ value: Int) -> Value { .integer(Int64(value)) }

    /// 1 or 0.
    package static func flag(_ value: Bool) -> Value { .integer(value ? 1 : 0) }

    /// The value, or NULL.
    package static func optional(_ value: Int64?) -> Value { value.map { .integer($0) } ?? .null }
    /// The value, or NULL.
    package static func optional(_ value: String?) -> Value { value.map { .text($0) } ?? .null }
    /// The value, or NULL.
    package static func optional(_ value: [UInt8]?) -> Value { value.map { .blob($0) } ?? .null }
}
