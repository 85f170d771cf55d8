/// What an entry of a manifest is. There is nothing else in a content set: publishing refuses devices, sockets and fifos.
package enum EntryType: UInt8, Hashable, Sendable {
    case file = 1
    case directory = 2
    case symlink = 3
}
