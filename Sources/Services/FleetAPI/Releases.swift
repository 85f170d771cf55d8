package import FleetModel

/// Body of `POST /v1/releases`.
package struct ReleaseRegistration: Codable, Sendable, Equatable {
    /// The set that the sender means; a document that names another one is refused.
    package var set: String
    /// The number that it is signed under.
    package var sequence: UInt64
    /// The release document.
    package var document: Base64Bytes
    /// Encoded `RepositoryDocuments` that sign it.
    package var metadata: Base64Bytes

    /// Wraps the document of a release and encoded metadata.
    package init(set: String, sequence: UInt64, document: [UInt8], metadata: [UInt8]) {
        self.set = set
        self.sequence = sequence
        self.document = Base64Bytes(document)
        self.metadata = Base64Bytes(metadata)
    }
}

/// Body of `POST /v1/metadata`.
package struct MetadataSubmission: Codable, Sendable, Equatable {
    /// Encoded `RepositoryDocuments`.
    package var metadata: Base64Bytes

    /// Wraps encoded metadata.
    package init(metadata: [UInt8]) {
        self.metadata = Base64Bytes(metadata)
    }
}

/// Answer to `POST /v1/metadata`.
package struct MetadataReceipt: Codable, Sendable, Equatable {
    /// Encoded `MetadataVersions`: what the coordinator has now. Only what is newer need be handed in.
    package var versions: Base64Bytes

    /// Wraps encoded versions.
    package init(versions: [UInt8]) {
        self.versions = Base64Bytes(versions)
    }
}

/// Answer to `GET /v1/releases`.
package struct ReleaseList: Codable, Sendable, Equatable {
    /// Ascending by set and sequence.
    package var releases: [RegisteredRelease]

    /// A list.
    package init(releases: [RegisteredRelease]) {
        self.releases = releases
    }
}

/// Answer to `GET /v1/receipts/{set}/{release}`.
package struct ReceiptsAnswer: Codable, Sendable, Equatable {
    /// An encoded `ReceiptList`: what mirrors said in their last reports, each word signed by its mirror.
    package var receipts: Base64Bytes

    /// Wraps an encoded list.
    package init(receipts: [UInt8]) {
        self.receipts = Base64Bytes(receipts)
    }
}
