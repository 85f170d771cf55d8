import Content
import FoundationEssentials
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct BoundaryTableTests {
    @Test func `the frozen table is 2^63 times the Weibull survival function, rounded down`() {
        let values = BoundaryTable.values
        #expect(values.count == 166)
        #expect(values[0] == 1 << 63 && values[165] == 0 && values[164] > 0)
        for (index, value) in values.enumerated() {
            #expect(index == 0 || value < values[index - 1] || value == 0)
            let exact = 0x1p63 * exp(-pow(Double(64 * index) / 4_096, 4))
            #expect(abs(Double(value) - exact) <= exact * 1e-12 + 1)
        }
    }

    @Test func `weights between two steps count as the lower one, and beyond the end as certain`() {
        #expect(BoundaryTable.survival(at: 0) == BoundaryTable.values[0])
        #expect(BoundaryTable.survival(at: 63) == BoundaryTable.values[0])
        #expect(BoundaryTable.survival(at: 64) == BoundaryTable.values[1])
        #expect(BoundaryTable.survival(at: 10_559) == BoundaryTable.values[164])
        #expect(BoundaryTable.survival(at: 10_560) == 0)
        #expect(BoundaryTable.survival(at: .max) == 0)
    }
}
