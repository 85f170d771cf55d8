import FleetFile
import FleetModel
import Testing

@Suite("Differences between two fleet.yaml")
struct PolicyChangeTests {
    private static let old = """
        name: lab   # a comment
        sets:
          - {name: debian, origin: o1, replicas: 2}
          - {name: iso, origin: o1}
        mirrors:
          - {name: o1, role: origin, address: "a:1"}
          - {name: m1, region: eu, address: "b:1"}
          - {name: m2, address: "c:1", sets: [debian]}
        """

    private func lines(_ new: String) throws -> [String] {
        try FleetFile.changes(from: Array(Self.old.utf8), to: Array(new.utf8), file: "f").map {
            "\($0.line):\($0.column) \($0.kind.rawValue) \($0.path) \($0.before ?? "-") \($0.after ?? "-")"
        }
    }

    @Test("Layout, comments, quotes and the order of keys and named items are no difference")
    func layout() throws {
        let new = """
            name: "lab"
            mirrors:
              - name: m1
                address: b:1
                region: eu
              - {name: m2, sets: [debian], address: "c:1"}
              - {name: o1, role: origin, address: "a:1"}
            sets:
              - {name: iso, origin: o1}
              - {name: debian, replicas: 2, origin: o1}
            """
        #expect(try lines(new) == [])
    }

    @Test("Every difference has its key and its place; what is gone comes last, with its old place")
    func places() throws {
        let new = """
            name: lab
            sets:
              - {name: debian, origin: o1, replicas: 1}
              - {name: iso, origin: o1, quota: 5GB}
            mirrors:
              - {name: o1, role: origin, address: "a:1"}
              - {name: m3, address: "d:1"}
              - {name: m2, address: "c:1", sets: [debian, iso]}
            """
        #expect(
            try lines(new) == [
                "3:42 changed sets.debian.replicas 2 1",
                "4:29 added sets.iso.quota - 5GB",
                "7:5 added mirrors.m3 - {address: d:1, name: m3}",
                "8:38 changed mirrors.m2.sets [debian] [debian, iso]",
                "7:5 removed mirrors.m1 {address: b:1, name: m1, region: eu} -",
            ])
    }
}
