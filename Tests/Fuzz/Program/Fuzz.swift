import FuzzTargets
import Glibc

/// The decoder that FLEET_FUZZ_TARGET names.
private let target: FuzzTarget = {
    let name = getenv("FLEET_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
        fail("FLEET_FUZZ_TARGET must be one of: \(names)", code: 64)
    }
    return target
}()

/// libFuzzer calls this once, before it reads its own arguments. With FLEET_FUZZ_SEEDS it writes the target's seeds into
/// that folder and ends.
@_cdecl("LLVMFuzzerInitialize")
func initialize(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    guard let folder = getenv("FLEET_FUZZ_SEEDS").map({ String(cString: $0) }) else { return 0 }
    do {
        for (number, seed) in try target.seeds().enumerated() {
            guard let file = fopen("\(folder)/seed-\(number)", "w") else { continue }
            _ = seed.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            fclose(file)
        }
    } catch {
        fail("no seeds: \(error)", code: 1)
    }
    exit(0)
}

/// How many inputs were accepted: a result that must not be optimised away.
nonisolated(unsafe) private var accepted = 0

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        let input = Array(UnsafeBufferPointer(start: bytes, count: count))
        if try target.run(input) { accepted &+= 1 }
    } catch {
        fatalError("\(target.rawValue): \(error)")
    }
    return 0
}

/// Ends with a message. Not by stdio: its `stderr` is a variable that Swift takes for shared state.
private func fail(_ message: String, code: CInt) -> Never {
    let line = Array("\(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(code)
}
