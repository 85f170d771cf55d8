import Hashing

/// The BLAKE3 contexts of this part of the formats: what one of them names can never be taken for another.
enum ManifestContexts {
    static let leaf = BLAKE3Context("mirrorfleet v1 manifest leaf")
    static let index = BLAKE3Context("mirrorfleet v1 manifest index node")
    static let boundary = BLAKE3Context("mirrorfleet v1 manifest boundary")
    static let proof = BLAKE3Context("mirrorfleet v1 manifest proof")
    static let changeset = BLAKE3Context("mirrorfleet v1 changeset")
}
