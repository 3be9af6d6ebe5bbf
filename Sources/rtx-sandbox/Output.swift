#if canImport(Glibc)
  import Glibc
#endif

/// Unbuffered text output to a file descriptor.
struct FileHandleOutput {
  static let standardError = FileHandleOutput(descriptor: 2)

  let descriptor: Int32

  /// Throws `SandboxFailure` when the other end is gone.
  func write(_ text: String) throws {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard written > 0 else { throw SandboxFailure("cannot write to file descriptor \(descriptor)") }
      bytes = bytes.dropFirst(written)
    }
  }
}
