import Glibc
import LinuxIO
import Testing

/// Glibc's module does not have it.
@_silgen_name("fsetxattr")
private func fsetxattr(
    _ descriptor: Int32, _ name: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>, _ count: Int, _ flags: Int32
) -> Int32

@Suite struct OpenFileTests {
    let place: TemporaryFolder
    var folder: Folder { place.folder }

    init() throws { place = try TemporaryFolder() }

    /// Bytes that do not repeat within a page.
    private func pattern(_ count: Int) -> [UInt8] {
        var state: UInt64 = 42
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return UInt8(state >> 56)
        }
    }

    @Test func `Bytes are read where they were written, and fewer only at the end`() throws {
        let file = try folder.createFile("a")
        try file.write(bytes("hello"), at: 3)
        #expect(try file.read(100, at: 0) == [0, 0, 0] + bytes("hello"))
        #expect(try file.read(2, at: 4) == bytes("el"))
        #expect(try file.read(5, at: 100) == [])
    }

    @Test func `A file above the limit is not read`() throws {
        let file = try folder.createFile("a")
        try file.write(pattern(1000), at: 0)
        #expect(try file.readAll(limit: 1000) == pattern(1000))
        let error = #expect(throws: FileError.self) { _ = try file.readAll(limit: 999) }
        #expect(error?.errnoName == "EFBIG")
    }

    @Test(arguments: [0, 1, 4096, 3_000_001])
    func `A copy has the same bytes and the time asked for, by whatever method`(size: Int) throws {
        let source = try folder.createFile("source")
        try source.write(pattern(size), at: 0)
        let time = FileTime(seconds: 1_234_567_890, nanoseconds: 1)
        for (name, allowsReflink) in [("reflink", true), ("copy", false)] {
            let copy = try folder.createFile(name)
            let method = try copy.copyAll(
                from: source, size: UInt64(size), allowsReflink: allowsReflink, modified: time)
            if !allowsReflink { #expect(method != .reflink) }
            #expect(try copy.readAll(limit: size) == pattern(size))
            #expect(try copy.attributes().modified == time)
        }
    }

    @Test func `A range is copied to another offset`() throws {
        let source = try folder.createFile("source")
        try source.write(pattern(10_000), at: 0)
        let copy = try folder.createFile("copy")
        try copy.copyRange(from: source, sourceOffset: 100, offset: 7, count: 5000)
        #expect(try copy.read(5000, at: 7) == Array(pattern(10_000)[100..<5100]))
    }

    @Test func `A source that ends early makes a copy fail`() throws {
        let source = try folder.createFile("source")
        try source.write(pattern(10), at: 0)
        let copy = try folder.createFile("copy")
        #expect(throws: FileError.self) { try copy.copyRange(from: source, count: 11) }
    }

    @Test func `Reserved space makes the file that long and keeps what is there`() throws {
        let file = try folder.createFile("a")
        try file.write(bytes("x"), at: 0)
        try file.allocate(100_000)
        #expect(try file.attributes().size == 100_000)
        #expect(try file.read(2, at: 0) == bytes("x") + [0])
        try file.truncate(to: 1)
        #expect(try file.attributes().size == 1)
    }

    @Test func `A full disk is said with what to do about it`() throws {
        let full = try Folder.open("/dev").openFile("full", writable: true)
        let error = #expect(throws: FileError.self) { try full.write(bytes("x"), at: 0) }
        #expect(error?.isOutOfSpace == true)
        #expect(
            error?.description
                == "cannot write \"/dev/full\": No space left on device (ENOSPC); "
                + "free space or inodes on this file system (df -h, df -i)")
    }

    @Test func `Attributes beyond mode and times are counted`() throws {
        let file = try folder.createFile("a")
        #expect(try file.extendedAttributes().names.isEmpty)
        guard fsetxattr(file.descriptor, "user.note", "x", 1, 0) == 0 else { return }
        #expect(try file.extendedAttributes().names == [bytes("user.note")])
        #expect(try folder.extendedAttributes(bytes("a")).settable == [bytes("user.note")])
        #expect(try !folder.extendedAttributes(bytes("a")).hasAccessControlList)
        try folder.makeSymlink("a", at: "l")
        #expect(try folder.extendedAttributes(bytes("l")).names.isEmpty)
    }

    @Test func `Syncs and advice work`() throws {
        let file = try folder.createFile("a")
        try file.write(pattern(10_000), at: 0)
        try file.startWriteback(offset: 0, count: 10_000)
        try file.syncData()
        try file.sync()
        file.advise(.dontNeed)
        #expect(try file.read(10_000, at: 0) == pattern(10_000))
    }
}

@Suite struct DirectFileTests {
    @Test(arguments: [0, 1, 4095, 4096, 8193, 1_050_000])
    func `Bytes written past the page cache are those that are read, whatever their length`(size: Int) throws {
        let place = try TemporaryFolder()
        let file = try place.folder.createFile("a")
        let target = DirectFile(file, at: bytes("a"), in: place.folder)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size + 1, alignment: DirectFile.alignment)
        defer { memory.deallocate() }
        let again = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: DirectFile.alignment)
        defer { again.deallocate() }
        for index in memory.indices { memory[index] = UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8) }
        // Aligned, at an odd place of the file, from odd memory.
        let places: [(from: Int, at: UInt64)] = [(0, 0), (0, 2_097_152), (0, 4_194_303), (1, 8_388_608)]
        for (from, at) in places {
            let part = UnsafeRawBufferPointer(rebasing: memory[from..<from + size])
            try target.write(part, at: at)
            #expect(try file.read(size, at: at) == Array(part), "\(size) bytes from \(from) at \(at)")
            #expect(try target.read(into: again, at: at) == size)
            #expect(again.elementsEqual(part), "\(size) bytes from \(from) at \(at), past the page cache")
        }
        // At the end of the file there are fewer.
        #expect(try target.read(into: again, at: 8_388_608 + UInt64(size / 2)) == size - size / 2)
    }
}

@Suite struct FileErrorTests {
    @Test func `A path in a message cannot forge a line or drive a terminal`() {
        let error = FileError("open", bytes("a\n\u{1b}[31m\"\\") + [0xff], errno: ENOENT)
        #expect(
            error.description == #"cannot open "a\n\x1b[31m\"\\\xff": No such file or directory (ENOENT)"#)
    }

    @Test func `An error number without a name is shown as it is`() {
        #expect(FileError("open", [], errno: 4711).description == #"cannot open "": unknown error (errno 4711)"#)
    }
}

@Suite struct DiskUsageTests {
    @Test func `Figures of a file system are plausible`() throws {
        let usage = try DiskUsage.of("/tmp")
        #expect(usage.totalBytes > 0)
        #expect(usage.freeBytes <= usage.totalBytes)
        #expect(usage.freeInodes <= usage.totalInodes)
        if (try? Folder.open("/dev/shm")) != nil { #expect(try DiskUsage.of("/dev/shm").isMemoryOnly) }
    }
}
