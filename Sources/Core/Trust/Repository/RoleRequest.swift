package import UpdateFramework

/// The next document of a set's role, on its way to enough signatures of the set's keys.
package protocol RoleRequest: SignatureRequest, Sendable {
    /// The document, and what it says that is new.
    var change: RoleChange { get }
    /// The set.
    var set: String { get }
    /// What becomes of it.
    var kind: RoleRequestKind { get }
    /// What is signed, in words for whoever is asked to: all of it, and who signs and has signed.
    var words: [String] { get }
}

/// What a request becomes once it is signed.
package enum RoleRequestKind: String, Sendable {
    case release, yank, unyank
}

extension RoleRequest {
    /// The one document.
    package var documents: [ChangedDocument] { change.documents }
    /// The fleet.
    package var fleet: String { String(decoding: change.base.fleet, as: UTF8.self) }
    /// The text of the file.
    package var file: [UInt8] { change.file }
}
