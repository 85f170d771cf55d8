/// Documents that wait for signatures of people who need not be in one place.
package protocol SignatureRequest {
    /// The documents with their signatures so far, each of another role.
    var documents: [ChangedDocument] { get }

    /// Adds those of `signatures` that verify by a key of a rule and are not there to the document at `place`; how many
    /// were added.
    mutating func add(_ signatures: [MetadataSignature], toDocument place: Int) -> Int
}

extension SignatureRequest {
    /// Whether every rule is met.
    package var isComplete: Bool { documents.allSatisfy(\.isComplete) }

    /// The keys that could still sign something that is needed, each with the roles of the documents.
    package var missing: [(owned: OwnedKey, roles: [RoleName])] {
        var missing: [(owned: OwnedKey, roles: [RoleName])] = []
        for document in documents {
            for owned in document.states.filter({ !$0.isMet }).flatMap(\.unsigned) {
                if let place = missing.firstIndex(where: { $0.owned.key.id == owned.key.id }) {
                    if !missing[place].roles.contains(document.role) { missing[place].roles.append(document.role) }
                } else {
                    missing.append((owned, [document.role]))
                }
            }
        }
        return missing
    }

    /// The documents that the key could sign and has not signed.
    package func unsignedRoles(by id: KeyID) -> [RoleName] {
        documents.filter { $0.states.contains { state in state.unsigned.contains { $0.key.id == id } } }.map(\.role)
    }

    /// Adds the signatures of `signer` to every document that its key is named for; which these are. Throws what the
    /// signer throws.
    package mutating func sign(with signer: any MetadataSigner) throws -> [RoleName] {
        let roles = unsignedRoles(by: signer.key.id)
        for place in documents.indices where roles.contains(documents[place].role) {
            _ = add(
                [try MetadataWriter.signature(over: documents[place].document.signed, by: signer)], toDocument: place)
        }
        return roles
    }

    /// Takes over the signatures of the same documents that were signed elsewhere; how many were new and right. Throws
    /// ``UpdateError`` if a document is another one; signatures of the documents before it have been taken then.
    package mutating func merge(_ others: [ChangedDocument]) throws(UpdateError) -> Int {
        var count = 0
        for place in documents.indices {
            let mine = documents[place]
            guard let theirs = others.first(where: { $0.role == mine.role }) else { continue }
            guard theirs.document.signedBytes == mine.document.signedBytes else {
                throw .otherBytes(mine.role, listedBy: mine.role, version: mine.version)
            }
            count += add(theirs.document.signatures, toDocument: place)
        }
        return count
    }
}
