import Bandwidth
import Testing

@Suite struct YieldControlTests {
    @Test func `a sync gets slower while the disk is waited for, never stops, and is as fast as before afterwards`() {
        var control = YieldControl(abovePercent: 40)
        control.measured(pressure: 30, receiving: 80_000_000)
        #expect(control.limit == nil)
        control.measured(pressure: 60, receiving: 80_000_000)
        #expect(control.limit == 40_000_000)
        control.measured(pressure: 60, receiving: 40_000_000)
        #expect(control.limit == 20_000_000)
        // Between the marks it stays.
        control.measured(pressure: 35, receiving: 20_000_000)
        #expect(control.limit == 20_000_000)
        for _ in 0..<20 { control.measured(pressure: 100, receiving: 100_000) }
        #expect(control.limit == YieldControl.floor)
        var steps = 0
        while control.limit != nil, steps < 100 {
            control.measured(pressure: 5, receiving: min(control.limit ?? 0, 5_000_000))
            steps += 1
        }
        #expect(steps > 8 && steps < 30, "\(steps)")
    }

    @Test func `a host that receives little has nothing to yield, and without a mark or a measure nothing is limited`()
    {
        var control = YieldControl(abovePercent: 40)
        control.measured(pressure: 90, receiving: 500_000)
        #expect(control.limit == nil)
        control.measured(pressure: 90, receiving: 50_000_000)
        #expect(control.limit != nil)
        control.measured(pressure: nil, receiving: 50_000_000)
        #expect(control.limit == nil)
        var none = YieldControl(abovePercent: nil)
        none.measured(pressure: 100, receiving: 50_000_000)
        #expect(none.limit == nil)
    }

    @Test func `the kernel's text is read, and nothing else is`() {
        let text = "some avg10=12.34 avg60=2.00 avg300=1.50 total=29\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=7\n"
        #expect(YieldControl.pressure(in: text) == 12.34)
        for wrong in ["", "some", "some avg10=", "some avg10=x", "some avg10=-1", "some avg10=101", "full avg10=1.00"] {
            #expect(YieldControl.pressure(in: wrong) == nil, "\(wrong)")
        }
    }
}
