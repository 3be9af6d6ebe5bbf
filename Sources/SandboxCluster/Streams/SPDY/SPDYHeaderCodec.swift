import CZlib
import NIOCore

/// Compresses and decompresses header blocks. Both directions of a connection keep one zlib stream for all their blocks.
///
/// Not Sendable: it lives inside the actor of its connection.
final class SPDYHeaderCodec {
  /// No honest peer of a Pod stream sends more.
  private static let longestBlock = 64 * 1024

  private let inflater = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let deflater = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

  init() throws(SPDYError) {
    inflater.initialize(to: z_stream())
    deflater.initialize(to: z_stream())
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit_(inflater, zlibVersion(), size) == Z_OK,
      deflateInit_(deflater, Z_DEFAULT_COMPRESSION, zlibVersion(), size) == Z_OK,
      deflateSetDictionary(deflater, SPDYDictionary.bytes, UInt32(SPDYDictionary.bytes.count)) == Z_OK
    else { throw SPDYError("zlib cannot be initialised") }
  }

  deinit {
    inflateEnd(inflater)
    deflateEnd(deflater)
    inflater.deallocate()
    deflater.deallocate()
  }

  /// Names are lower case on the wire.
  func encode(_ headers: [String: String]) throws(SPDYError) -> [UInt8] {
    var plain = ByteBuffer()
    plain.writeInteger(UInt32(headers.count))
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
      for text in [name.lowercased(), value] {
        plain.writeInteger(UInt32(text.utf8.count))
        plain.writeString(text)
      }
    }
    return try run(deflater, Array(plain.readableBytesView)) { deflate($0, Z_SYNC_FLUSH) }
  }

  func decode(_ block: [UInt8]) throws(SPDYError) -> [String: String] {
    let plain = try run(inflater, block) { stream in
      let result = inflate(stream, Z_SYNC_FLUSH)
      guard result == Z_NEED_DICT else { return result }
      guard inflateSetDictionary(stream, SPDYDictionary.bytes, UInt32(SPDYDictionary.bytes.count)) == Z_OK else {
        return Z_DATA_ERROR
      }
      return inflate(stream, Z_SYNC_FLUSH)
    }
    var buffer = ByteBuffer(bytes: plain)
    guard let count: UInt32 = buffer.readInteger(), count <= 256 else { throw SPDYError("bad header block") }
    var headers: [String: String] = [:]
    for _ in 0..<count {
      guard let name = buffer.readLengthPrefixedText(), let value = buffer.readLengthPrefixedText() else {
        throw SPDYError("bad header block")
      }
      headers[name.lowercased()] = value
    }
    return headers
  }

  private func run(
    _ stream: UnsafeMutablePointer<z_stream>, _ input: [UInt8], _ step: (UnsafeMutablePointer<z_stream>) -> Int32
  ) throws(SPDYError) -> [UInt8] {
    var input = input
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    let result = input.withUnsafeMutableBufferPointer { source -> Int32 in
      stream.pointee.next_in = source.baseAddress
      stream.pointee.avail_in = UInt32(source.count)
      while true {
        let (result, written) = chunk.withUnsafeMutableBufferPointer { target -> (Int32, Int) in
          stream.pointee.next_out = target.baseAddress
          stream.pointee.avail_out = UInt32(target.count)
          return (step(stream), target.count - Int(stream.pointee.avail_out))
        }
        output += chunk[..<written]
        // A buffer error only says that there was nothing left to do.
        guard result == Z_OK || result == Z_BUF_ERROR else { return result }
        if output.count > Self.longestBlock { return Z_DATA_ERROR }
        if stream.pointee.avail_out > 0 || written == 0 { return Z_OK }
      }
    }
    guard result == Z_OK else { throw SPDYError("bad header compression (zlib \(result))") }
    return output
  }
}

extension ByteBuffer {
  fileprivate mutating func readLengthPrefixedText() -> String? {
    guard let length: UInt32 = readInteger(), length <= readableBytes else { return nil }
    return readString(length: Int(length))
  }
}

/// The words that both sides' compression starts from (SPDY/3 draft, section 2.6.10.1).
enum SPDYDictionary {
  private static let words = [
    "options", "head", "post", "put", "delete", "trace", "accept", "accept-charset", "accept-encoding",
    "accept-language",
    "accept-ranges", "age", "allow", "authorization", "cache-control", "connection", "content-base", "content-encoding",
    "content-language", "content-length", "content-location", "content-md5", "content-range", "content-type", "date",
    "etag",
    "expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "last-modified", "location", "max-forwards", "pragma", "proxy-authenticate",
    "proxy-authorization", "range", "referer", "retry-after", "server", "te", "trailer", "transfer-encoding", "upgrade",
    "user-agent", "vary", "via", "warning", "www-authenticate", "method", "get", "status", "200 OK", "version",
    "HTTP/1.1",
    "url", "public", "set-cookie", "keep-alive", "origin",
  ]

  private static let tail =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    + "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    + "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    + "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    + "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    + "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."

  /// 1,423 bytes: each word after its length in four bytes, then the rest as it is.
  static let bytes: [UInt8] =
    words.flatMap { word in [0, 0, 0, UInt8(word.utf8.count)] + Array(word.utf8) } + Array(tail.utf8)
}
