/// Gives the bytes of a node, or nil if the node is not held. The reader compares bytes and digest itself, so a source
/// may be anything: a table of the store, what a peer sent, a dictionary.
package typealias NodeSource = (NodeDigest) throws -> [UInt8]?

/// Takes a new node: its digest and its bytes.
package typealias NodeSink = (NodeDigest, [UInt8]) throws -> Void
