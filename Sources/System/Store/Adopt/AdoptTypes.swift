/// How far an adoption is.
package struct AdoptProgress: Hashable, Sendable {
    /// Files looked at so far, and their bytes.
    package internal(set) var files: UInt64 = 0
    package internal(set) var bytes: UInt64 = 0
    /// Bytes that had to be read; the others had been adopted before.
    package internal(set) var readBytes: UInt64 = 0
}

/// What an adoption found.
package struct AdoptOutcome: Hashable, Sendable {
    /// All plain files of the tree, and their bytes.
    package internal(set) var files: UInt64 = 0
    package internal(set) var bytes: UInt64 = 0
    /// Files whose inode is the store's now, with what an earlier run did.
    package internal(set) var linkedFiles: UInt64 = 0
    package internal(set) var linkedBytes: UInt64 = 0
    /// Files whose bytes, time and mode the store held in another inode already.
    package internal(set) var heldFiles: UInt64 = 0
    /// Files that were not read because an earlier run had adopted them; they count among those above.
    package internal(set) var knownFiles: UInt64 = 0
    /// Files left alone, by reason: of another owner.
    package internal(set) var otherOwner: UInt64 = 0
    /// Of a mode that is neither 0644 nor 0755.
    package internal(set) var otherMode: UInt64 = 0
    /// With extended attributes or an access control list.
    package internal(set) var extended: UInt64 = 0
    /// On another file system below the top.
    package internal(set) var otherFileSystem: UInt64 = 0
    /// Written to, replaced or removed while they were read.
    package internal(set) var changed: UInt64 = 0
    /// Things that no release can hold: devices, sockets, names that are no names of entries; and files that the file
    /// system lets nobody link.
    package internal(set) var unusable: UInt64 = 0
    /// Where the first flip puts the tree, because it stands where the set's link will be; nil: it stays where it is.
    package internal(set) var keptAs: String?

    /// Files that were left alone.
    package var left: UInt64 { otherOwner + otherMode + extended + otherFileSystem + changed + unusable }
}
