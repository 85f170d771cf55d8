import CYAML
import FleetModel

/// Reads the YAML that configuration files may use: mappings, lists and single values, nothing that expands.
///
/// It follows libyaml's events, so line and column of everything are known, and an alias is refused before it is followed.
struct YAMLText {
    /// 8,000 mirrors of one line each; the node limit below ends at about as many.
    static let byteLimit = 1 << 20
    /// The deepest place that fleet.yaml has is 6 levels down.
    static let depthLimit = 32
    /// What 1 MiB of sensible text can hold; flow lists of single letters would hold five times as many.
    static let nodeLimit = 100_000

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var mistakes: [Mistake] = []
    private var nodes = 0

    /// The one document in `text`, or everything that is wrong with its form.
    static func node(_ text: [UInt8]) throws(Mistakes) -> PlacedNode {
        // libyaml skips a byte order mark only when it may guess the encoding.
        let text = text.starts(with: [0xef, 0xbb, 0xbf]) ? Array(text.dropFirst(3)) : text
        guard text.count <= byteLimit else {
            let what = "the file has \(text.count) bytes, more than \(byteLimit)"
            throw Mistakes([Mistake(TextPlace(line: 1, column: 1), what, "make it shorter")])
        }
        // libyaml keeps a pointer to the parser inside the parser, so it needs an address that stays.
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            throw Mistakes([Mistake(TextPlace(line: 1, column: 1), "there is no memory to read the file", "try again")])
        }
        defer { yaml_parser_delete(parser) }
        let outcome: Result<PlacedNode, Mistakes> = text.withUnsafeBufferPointer { bytes in
            // The empty array has no address, and libyaml wants one.
            let start = bytes.baseAddress ?? UnsafePointer(UnsafeRawPointer(parser).assumingMemoryBound(to: UInt8.self))
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, start, bytes.count)
            var reading = YAMLText(parser: parser)
            return Result { () throws(Mistakes) in try reading.document(bytes) }
        }
        return try outcome.get()
    }

    private init(parser: UnsafeMutablePointer<yaml_parser_t>) { self.parser = parser }

    /// A stop that leaves the mistakes found so far in `mistakes`.
    private struct Stop: Error {}

    private mutating func document(_ bytes: UnsafeBufferPointer<UInt8>) throws(Mistakes) -> PlacedNode {
        var result: PlacedNode?
        do throws(Stop) {
            try skip(YAML_STREAM_START_EVENT, bytes)
            var event = try next(bytes)
            if event.type == YAML_STREAM_END_EVENT {
                mistakes.append(Mistake(Self.place(event.start_mark), "the file is empty", "write a mapping"))
                throw Stop()
            }
            yaml_event_delete(&event)
            result = try value(depth: 0, bytes)
            try skip(YAML_DOCUMENT_END_EVENT, bytes)
            var last = try next(bytes)
            if last.type != YAML_STREAM_END_EVENT {
                mistakes.append(
                    Mistake(Self.place(last.start_mark), "a second document begins here", "keep one document in a file")
                )
            }
            yaml_event_delete(&last)
        } catch {
            result = nil
        }
        guard let result, mistakes.isEmpty else { throw Mistakes(mistakes) }
        return result
    }

    /// The value that begins with the next event.
    private mutating func value(depth: Int, _ bytes: UnsafeBufferPointer<UInt8>) throws(Stop) -> PlacedNode {
        var event = try next(bytes)
        defer { yaml_event_delete(&event) }
        return try value(event, depth: depth, bytes)
    }

    private mutating func value(
        _ event: yaml_event_t, depth: Int, _ bytes: UnsafeBufferPointer<UInt8>
    ) throws(Stop) -> PlacedNode {
        let place = Self.place(event.start_mark)
        nodes += 1
        if nodes > Self.nodeLimit { try stop(place, "more than \(Self.nodeLimit) values", "make the file shorter") }
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            refuse(anchor: scalar.anchor, tag: scalar.tag, place)
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return PlacedNode(
                place: place, content: .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE))
        case YAML_SEQUENCE_START_EVENT:
            refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, place)
            try checkDepth(depth, place)
            return PlacedNode(place: place, content: .sequence(try items(depth: depth + 1, bytes)))
        case YAML_MAPPING_START_EVENT:
            refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, place)
            try checkDepth(depth, place)
            return PlacedNode(place: place, content: .mapping(try pairs(depth: depth + 1, bytes)))
        case YAML_ALIAS_EVENT:
            mistakes.append(Mistake(place, "an alias (*) is not allowed", "write the value out"))
            return PlacedNode(place: place, content: .scalar("", isPlain: true))
        default:
            try stop(place, "not valid YAML", "check this line")
        }
    }

    private mutating func items(depth: Int, _ bytes: UnsafeBufferPointer<UInt8>) throws(Stop) -> [PlacedNode] {
        var items: [PlacedNode] = []
        while true {
            var event = try next(bytes)
            defer { yaml_event_delete(&event) }
            if event.type == YAML_SEQUENCE_END_EVENT { return items }
            items.append(try value(event, depth: depth, bytes))
        }
    }

    private mutating func pairs(depth: Int, _ bytes: UnsafeBufferPointer<UInt8>) throws(Stop) -> [PlacedNode.Pair] {
        var pairs: [PlacedNode.Pair] = []
        var lines: [String: Int] = [:]
        while true {
            var event = try next(bytes)
            defer { yaml_event_delete(&event) }
            if event.type == YAML_MAPPING_END_EVENT { return pairs }
            let key = try value(event, depth: depth, bytes)
            let value = try value(depth: depth, bytes)
            guard case .scalar(let name, let isPlain) = key.content else {
                mistakes.append(Mistake(key.place, "a key is \(key.kind)", "write a single word before the colon"))
                continue
            }
            if name == "<<", isPlain {
                mistakes.append(Mistake(key.place, "a merge key (<<) is not allowed", "write the keys out"))
            } else if let line = lines[name] {
                let what = "the key \(Spelling.quoted(name)) is on line \(line) already"
                mistakes.append(Mistake(key.place, what, "keep one of them"))
            } else {
                lines[name] = key.place.line
                pairs.append(PlacedNode.Pair(key: name, keyPlace: key.place, value: value))
            }
        }
    }

    private mutating func checkDepth(_ depth: Int, _ place: TextPlace) throws(Stop) {
        if depth >= Self.depthLimit { try stop(place, "more than \(Self.depthLimit) levels deep", "nest less") }
    }

    private mutating func refuse(
        anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?, _ place: TextPlace
    ) {
        if anchor != nil {
            mistakes.append(Mistake(place, "an anchor (&) is not allowed", "write the value out where it is needed"))
        }
        if tag != nil { mistakes.append(Mistake(place, "a tag (!) is not allowed", "remove it")) }
    }

    private mutating func stop(_ place: TextPlace, _ what: String, _ remedy: String) throws(Stop) -> Never {
        mistakes.append(Mistake(place, what, remedy))
        throw Stop()
    }

    private mutating func skip(_ type: yaml_event_type_t, _ bytes: UnsafeBufferPointer<UInt8>) throws(Stop) {
        var event = try next(bytes)
        defer { yaml_event_delete(&event) }
        if event.type != type { try stop(Self.place(event.start_mark), "not valid YAML", "check this line") }
    }

    /// The next event; the caller deletes it.
    private mutating func next(_ bytes: UnsafeBufferPointer<UInt8>) throws(Stop) -> yaml_event_t {
        var event = yaml_event_t()
        if yaml_parser_parse(parser, &event) == 1 { return event }
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the reader gave up"
        if parser.pointee.error == YAML_READER_ERROR {
            let place = Self.place(ofByte: Int(parser.pointee.problem_offset), in: bytes)
            try stop(place, "not valid text: \(problem)", "save the file as UTF-8 without control characters")
        }
        let context = parser.pointee.context.map { ", \(String(cString: $0))" } ?? ""
        let remedy =
            problem.contains("cannot start any token") || problem.contains("tab")
            ? "indent with spaces and put quotes around the value" : "check indentation, colons and quotes up to here"
        try stop(Self.place(parser.pointee.problem_mark), "not valid YAML: \(problem)\(context)", remedy)
    }

    private static func place(_ mark: yaml_mark_t) -> TextPlace {
        TextPlace(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func place(ofByte offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> TextPlace {
        var place = TextPlace(line: 1, column: 1)
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                place.line += 1
                place.column = 1
            } else if byte & 0xc0 != 0x80 {
                place.column += 1
            }
        }
        return place
    }
}
