/// One metric of the Prometheus text format 0.0.4, with all its samples: a gauge, as a status has only values that come
/// and go. https://prometheus.io/docs/instrumenting/exposition_formats/
struct MetricFamily {
    private let name: String
    private let help: String
    private var samples: [String] = []

    /// A gauge with that name and a sentence about it, and no sample yet.
    init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }

    /// Adds a sample; nil is none.
    mutating func add(_ labels: KeyValuePairs<String, String>, _ value: Double?) {
        guard let value else { return }
        let pairs = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
        samples.append("\(name)\(pairs.isEmpty ? "" : "{\(pairs)}") \(Self.text(value))\n")
    }

    /// The lines of the metric; none without a sample.
    var text: String {
        guard !samples.isEmpty else { return "" }
        return "# HELP \(name) \(help)\n# TYPE \(name) gauge\n" + samples.joined()
    }

    /// Whole numbers without a point, as long as a Double has them exactly.
    private static func text(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ label: String) -> String {
        var text = ""
        for scalar in label.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
