/// Calls `body` with one buffer for every array; they are valid only during the call.
func withBuffers<R>(_ arrays: [[UInt8]], _ body: ([UnsafeRawBufferPointer]) throws -> R) rethrows -> R {
    let buffers = arrays.map { array in
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: array.count, alignment: 1)
        buffer.copyBytes(from: array)
        return buffer
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    return try body(buffers.map { UnsafeRawBufferPointer($0) })
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
