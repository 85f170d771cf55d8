import Testing

import Store

@Suite("Kept memory")
struct KeptMemoryTests {
    @Test("is used again, and grows")
    func again() {
        let kept = KeptMemory()
        let first = kept.withBytes(4_096) { UInt(bitPattern: $0.baseAddress) }
        let second = kept.withBytes(100) { bytes in
            #expect(bytes.count == 100)
            return UInt(bitPattern: bytes.baseAddress)
        }
        #expect(first == second)
        kept.withBytes(1 << 20) { #expect($0.count == 1 << 20) }
    }

    @Test("belongs to one user at a time")
    func alone() {
        let kept = KeptMemory()
        kept.withBytes(4_096) { outer in
            outer.initializeMemory(as: UInt8.self, repeating: 7)
            kept.withBytes(4_096) { inner in
                #expect(inner.baseAddress != outer.baseAddress)
                inner.initializeMemory(as: UInt8.self, repeating: 9)
            }
            #expect(outer.allSatisfy { $0 == 7 })
        }
    }
}
