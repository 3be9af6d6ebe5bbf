/// The parts of DNS messages that a cluster's name server needs (RFC 1035, SRV from RFC 2782).
enum DNSMessage {
  enum RecordType: UInt16 {
    case a = 1
    case aaaa = 28
    case srv = 33
    case any = 255
  }

  enum ResponseCode: UInt16 {
    case noError = 0
    case nameError = 3
  }

  struct Question: Equatable {
    var id: UInt16
    var flags: UInt16
    /// Lower case, without the final dot.
    var name: String
    var type: UInt16
    /// The question as sent, for the answer to repeat.
    var bytes: [UInt8]
  }

  enum Answer: Equatable, Sendable {
    case address(IPv4Address)
    case service(port: Int, target: String)
  }

  /// Nil when it is not a query with exactly one question.
  static func parse(_ message: [UInt8]) -> Question? {
    guard message.count > 12, message[2] & 0x80 == 0, word(message, 4) == 1 else { return nil }
    var labels: [String] = []
    var index = 12
    while true {
      guard index < message.count else { return nil }
      let length = Int(message[index])
      index += 1
      if length == 0 { break }
      // Pointers have no place in a question: there is nothing before it to point to.
      guard length < 64, index + length <= message.count else { return nil }
      labels.append(String(decoding: message[index..<index + length], as: UTF8.self).lowercased())
      index += length
    }
    guard index + 4 <= message.count else { return nil }
    return Question(
      id: word(message, 0), flags: word(message, 2), name: labels.joined(separator: "."), type: word(message, index),
      bytes: Array(message[12..<index + 4]))
  }

  /// An authoritative answer, not truncated: keep to what fits in 512 bytes.
  static func response(
    to question: Question, _ code: ResponseCode, answers: [Answer] = [], secondsToLive: UInt32 = 5
  ) -> [UInt8] {
    var message: [UInt8] = []
    append(&message, question.id)
    // QR, AA and RA set; opcode and RD as asked.
    append(&message, 0x8480 | question.flags & 0x7900 | code.rawValue)
    append(&message, 1)
    append(&message, UInt16(answers.count))
    append(&message, 0)
    append(&message, 0)
    message += question.bytes
    for answer in answers {
      // The name is the question's, 12 bytes into the message.
      append(&message, 0xc00c)
      let data: [UInt8]
      switch answer {
      case .address(let address):
        append(&message, RecordType.a.rawValue)
        data = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: address.value >> UInt32($0)) }
      case .service(let port, let target):
        append(&message, RecordType.srv.rawValue)
        var bytes: [UInt8] = [0, 0, 0, 100]
        append(&bytes, UInt16(truncatingIfNeeded: port))
        data = bytes + encode(target)
      }
      append(&message, 1)
      append(&message, UInt16(truncatingIfNeeded: secondsToLive >> 16))
      append(&message, UInt16(truncatingIfNeeded: secondsToLive))
      append(&message, UInt16(data.count))
      message += data
    }
    return message
  }

  static func encode(_ name: String) -> [UInt8] {
    name.split(separator: ".").flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) } + [0]
  }

  private static func word(_ bytes: [UInt8], _ index: Int) -> UInt16 {
    UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
  }

  private static func append(_ bytes: inout [UInt8], _ word: UInt16) {
    bytes.append(UInt8(word >> 8))
    bytes.append(UInt8(word & 255))
  }
}
