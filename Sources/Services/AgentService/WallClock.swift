import Glibc

/// The wall clock, in whole seconds since 1970: for times that people read, never for deadlines.
struct WallClock: Sendable {
    func now() -> Int64 { Int64(time(nil)) }
}
