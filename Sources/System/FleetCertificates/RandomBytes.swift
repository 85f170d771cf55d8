/// Randomness of the system, for seeds of keys. Core takes it as a value.
package enum RandomBytes {
    /// Bytes that nobody can guess.
    package static func make(count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
