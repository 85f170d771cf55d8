extension Folder {
    /// Replaces the file `name` by one with `bytes`; durable when it returns, and at no moment half written. What a crash
    /// leaves of `temporary` is replaced by the next call.
    /// - Throws: `FileError`: ENOSPC, EDQUOT or EIO among others; a part may be there then.
    package func writeDurably(
        _ bytes: [UInt8], to name: String, through temporary: String, mode: UInt32
    ) throws(FileError) {
        try unlinkIfPresent(temporary)
        let file = try createFile(temporary, mode: mode)
        try file.write(bytes, at: 0)
        try file.sync()
        try rename(temporary, to: name)
        try sync()
    }
}
