import CLibYAML

enum YAMLEvent {
  case streamEnd
  case documentStart
  case documentEnd
  case alias(String)
  case scalar(YAMLScalar, anchor: String?)
  case sequenceStart(anchor: String?)
  case sequenceEnd
  case mappingStart(anchor: String?)
  case mappingEnd
}

struct YAMLScalar {
  var text: String
  /// The tag as libyaml resolves it, such as "tag:yaml.org,2002:str".
  var tag: String?
  /// Written without quotes and not as a block.
  var isPlain: Bool
}

/// libyaml's parser. A class, because the C parser holds pointers to itself and to the input and must not move.
final class YAMLEventReader {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>

  /// The line of the event read last, counted from 1.
  private(set) var line = 1

  init(_ text: String) throws(YAMLParseError) {
    let bytes = Array(text.utf8)
    // One byte more, because libyaml wants an address even for an empty text.
    input = .allocate(capacity: bytes.count + 1)
    _ = input.initialize(from: bytes + [0])
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    guard yaml_parser_initialize(parser) == 1 else {
      throw YAMLParseError(line: 1, problem: "the YAML parser could not get memory")
    }
    yaml_parser_set_input_string(parser, UnsafePointer(input.baseAddress), bytes.count)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    input.deallocate()
  }

  /// The next event that carries something; the stream's start is skipped.
  func next() throws(YAMLParseError) -> YAMLEvent {
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
      defer { yaml_event_delete(&event) }
      line = Int(event.start_mark.line) + 1
      switch event.type {
      case YAML_STREAM_END_EVENT: return .streamEnd
      case YAML_DOCUMENT_START_EVENT: return .documentStart
      case YAML_DOCUMENT_END_EVENT: return .documentEnd
      case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
      case YAML_SCALAR_EVENT:
        let scalar = event.data.scalar
        let content = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        return .scalar(
          YAMLScalar(
            text: String(decoding: content, as: UTF8.self), tag: text(scalar.tag),
            isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
          anchor: text(scalar.anchor))
      case YAML_SEQUENCE_START_EVENT: return .sequenceStart(anchor: text(event.data.sequence_start.anchor))
      case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
      case YAML_MAPPING_START_EVENT: return .mappingStart(anchor: text(event.data.mapping_start.anchor))
      case YAML_MAPPING_END_EVENT: return .mappingEnd
      default: continue
      }
    }
  }

  private func text(_ pointer: UnsafePointer<UInt8>?) -> String? {
    pointer.map { String(cString: $0) }
  }

  private func fault() -> YAMLParseError {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "it cannot be read"
    guard parser.pointee.error != YAML_READER_ERROR else {
      let read = input.prefix(Int(parser.pointee.problem_offset))
      return YAMLParseError(line: 1 + read.count { $0 == 0x0A }, problem: problem)
    }
    let context = parser.pointee.context.map { String(cString: $0) + ", " } ?? ""
    return YAMLParseError(line: Int(parser.pointee.problem_mark.line) + 1, problem: context + problem)
  }
}
