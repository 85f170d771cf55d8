import Content
import Glibc
import Hashing
import LinuxIO

/// The folder `blobs`: one plain file for each variant, in 256 folders by the first byte of the digest.
final class BlobFiles: Sendable {
    private let folders: [Folder]

    /// Opens the 256 folders below `top`, and makes those that are not there.
    init(in top: Folder) throws {
        let digits = Array("0123456789abcdef".utf8)
        var folders: [Folder] = []
        folders.reserveCapacity(256)
        for byte in 0..<256 {
            let name = [digits[byte >> 4], digits[byte & 15]]
            folders.append(try top.subfolderIfPresent(name) ?? top.ensureFolder(name, mode: 0o700))
        }
        self.folders = folders
    }

    /// All 256, by the first byte of the digests.
    var all: [Folder] { folders }

    /// Whether there is no file at all.
    func isEmpty() throws -> Bool { try folders.allSatisfy { try $0.listing().count == 0 } }

    /// The folder that holds a blob's variants.
    func folder(_ digest: BlobDigest) -> Folder { folders[Self.number(digest)] }

    /// The number of that folder, 0 to 255.
    static func number(_ digest: BlobDigest) -> Int { Int(digest.raw.withUnsafeBytes { $0[0] }) }

    /// When a name in the folder with that number last came or went.
    func changed(_ number: Int) throws -> FileTime { try folders[number].attributes().changed }

    /// Opens a variant for reading; nil if its file is gone.
    func open(_ variant: BlobVariant) throws -> OpenFile? {
        try folder(variant.digest).openFileIfPresent(variant.name)
    }

    /// What a variant's file is; nil if it is gone.
    func stat(_ variant: BlobVariant) throws -> FileAttributes? {
        try folder(variant.digest).stat(variant.name)
    }

    /// Gives the variant's inode a further name in `target`.
    func link(_ variant: BlobVariant, into target: Folder, as name: [UInt8]) throws(FileError) {
        try folder(variant.digest).link(variant.name, in: target, to: name)
    }

    /// What is wrong with a variant's file by its attributes alone; nil if nothing is.
    /// - Parameter modified: the time that it has, if that is not yet the variant's.
    func fault(_ variant: BlobVariant, size: UInt64, modified: Int64? = nil) throws -> String? {
        guard let found = try stat(variant) else { return "has no file" }
        guard found.type == .regular else { return "is not a plain file" }
        guard found.size == size else { return "has \(found.size) bytes instead of \(size)" }
        guard found.modified.seconds == modified ?? variant.modified else { return "has another modification time" }
        guard found.permissions == variant.mode else { return "has mode \(String(found.permissions, radix: 8))" }
        return nil
    }
}
