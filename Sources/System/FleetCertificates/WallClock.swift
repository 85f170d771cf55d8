import Glibc

/// The wall clock, as certificates need it.
enum WallClock {
    /// Seconds since 1970.
    static func now() -> Int64 {
        Int64(time(nil))
    }
}
