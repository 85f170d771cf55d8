import FleetAPI
import Testing

@Suite("Errors of the API")
struct APIErrorTests {
    @Test("What may pass by itself ends a command with 5, all else with 1")
    func exitCodes() {
        #expect(APIError.unreachable(address: "https://a:1", reason: "refused").exitCode == 5)
        #expect(APIError.notNow(Refusal(code: RefusalCode.busy, message: "full")).exitCode == 5)
        #expect(APIError.notNow(Refusal(code: RefusalCode.noReports, message: "none")).exitCode == 5)
        #expect(APIError.notAllowed(message: "no", hint: "ask").exitCode == 1)
        #expect(APIError.refused(Refusal(code: "x", message: "no")).exitCode == 1)
        #expect(APIError.malformed(what: "no JSON").exitCode == 1)
    }

    @Test("Messages say what and where, and hints what to do")
    func words() {
        let error = APIError.unreachable(address: "https://127.0.1.1:7443", reason: "connection refused")
        #expect(
            error.message == "the coordinator at https://127.0.1.1:7443 cannot be reached: connection refused")
        #expect(error.hint?.contains("fleet-coordinator") == true)
        let busy = APIError.notNow(Refusal(code: RefusalCode.busy, message: "2 plans are being made"))
        #expect(busy.message == "the coordinator is busy: 2 plans are being made")
        #expect(busy.hint == "try again in a few seconds")
        let early = APIError.notNow(Refusal(code: RefusalCode.noReports, message: "no mirror", hint: "wait"))
        #expect(early.message == "no mirror" && early.hint == "wait")
    }

    @Test("A report is taken after another if its number or its start is above")
    func reportPlaces() {
        let last = ReportPlace(startedAt: 100, number: 7)
        #expect(ReportPlace(startedAt: 100, number: 8).follows(last))
        #expect(ReportPlace(startedAt: 101, number: 1).follows(last))
        #expect(ReportPlace(startedAt: 50, number: 8).follows(last))
        #expect(!ReportPlace(startedAt: 100, number: 7).follows(last))
        #expect(!ReportPlace(startedAt: 99, number: 7).follows(last))
    }
}
