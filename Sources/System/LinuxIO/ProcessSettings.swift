import CLinux

/// Writes to a closed connection, and beyond the limit of file sizes, give an error instead of ending the program
/// (SIGPIPE and SIGXFSZ ignored). Call it first in `main`.
package func ignoreBrokenPipes() {
    // Cannot fail: both are valid signals that may be ignored.
    _ = clinux_ignore_signals()
}

/// Raises the limit of open descriptors as far as allowed; the limit now in force.
@discardableResult
package func raiseDescriptorLimit() -> Int {
    let limit = clinux_raise_descriptor_limit()
    return limit < 0 ? 0 : Int(limit)
}

/// Makes the allocator give back what is freed: large buffers at once, and few arenas, each of which keeps its peak.
///
/// By default glibc has eight arenas a processor and, after the first large buffer was freed, serves buffers of up to
/// 32 MiB from them. A process whose threads each build something large now and then holds several times what it uses:
/// 98 MB instead of 59 in a first sync of 100,000 files.
package func keepHeapSmall() {
    clinux_keep_heap_small()
}

/// No core dump and no debugger of another unprivileged process may read this one's memory: it holds keys.
package func forbidCoreDumps() {
    // Cannot fail: 0 is always allowed.
    _ = clinux_forbid_dumps()
}
