import COpenSSL

/// A key, certificate or token could not be made.
public struct SecurityError: Error, Sendable, CustomStringConvertible {
  /// What failed, and OpenSSL's reason.
  public var description: String

  init(_ what: String) {
    var texts: [String] = []
    while true {
      let code = ERR_get_error()
      guard code != 0 else { break }
      var buffer = [CChar](repeating: 0, count: 256)
      ERR_error_string_n(code, &buffer, buffer.count)
      texts.append(String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
    description = texts.isEmpty ? what : "\(what): \(texts.joined(separator: "; "))"
  }
}

/// Requires a pointer from OpenSSL.
func required<T>(_ pointer: T?, _ what: String) throws(SecurityError) -> T {
  guard let pointer else { throw SecurityError(what) }
  return pointer
}

/// Requires success (1) from OpenSSL.
func succeed(_ code: Int32, _ what: String) throws(SecurityError) {
  guard code == 1 else { throw SecurityError(what) }
}
