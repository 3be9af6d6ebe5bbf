import Glibc

/// Standard output, written whole or not at all where the reader is gone.
enum FileHandleOutput {
  static func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { buffer in
        Glibc.write(STDOUT_FILENO, buffer.baseAddress, buffer.count)
      }
      if written < 0, errno == EINTR { continue }
      if written <= 0 { return }
      rest = rest.dropFirst(written)
    }
  }
}
