/// The HTTP methods that the Kubernetes API uses.
public enum RequestMethod: String, Sendable, Hashable {
  case get = "GET"
  case post = "POST"
  case put = "PUT"
  case patch = "PATCH"
  case delete = "DELETE"
  case head = "HEAD"

  /// Whether the method only reads, so that sending it twice does no harm.
  public var isRead: Bool { self == .get || self == .head }
}

/// One request to an API server, free of any transport: what goes on the request line, headers and body.
public struct KubernetesRequest: Sendable {
  /// The method.
  public var method: RequestMethod
  /// The path, percent-encoded as on the request line, e.g. `/api/v1/namespaces/trading/pods`.
  public var path: String
  /// Query items, not encoded; order is kept.
  public var query: [(name: String, value: String)]
  /// Headers beside those that the transport adds (host, credentials, user agent).
  public var headers: [(name: String, value: String)]
  /// The body; `nil` sends none.
  public var body: [UInt8]?
  /// The longest time from sending to the last byte of the answer. `nil` leaves the answer open-ended, as a
  /// watch or a followed log needs it; only then is the body streamed, otherwise it arrives whole.
  public var timeout: Duration?

  /// Makes a request.
  public init(
    method: RequestMethod = .get, path: String, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8]? = nil, timeout: Duration? = .seconds(60)
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.timeout = timeout
  }

  /// Path and query as they stand on the request line.
  public var target: String {
    guard !query.isEmpty else { return path }
    let items = query.map { PercentEncoding.component($0.name) + "=" + PercentEncoding.component($0.value) }
    return path + "?" + items.joined(separator: "&")
  }
}

extension KubernetesRequest: CustomStringConvertible, CustomDebugStringConvertible {
  /// Method and target alone: headers and body may hold secrets.
  public var description: String { method.rawValue + " " + target }
  public var debugDescription: String { description }
}

/// RFC 3986 encoding that keeps only unreserved characters, which is right for a path segment and a query item alike.
package enum PercentEncoding {
  package static func component(_ text: String) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if isUnreserved(byte) {
        out.append(byte)
      } else {
        out.append(UInt8(ascii: "%"))
        out.append(hex[Int(byte >> 4)])
        out.append(hex[Int(byte & 15)])
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static let hex = Array("0123456789ABCDEF".utf8)

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    // A path segment may carry a colon (RFC 3986, 3.3), and role names such as `system:node` are full of them.
    case UInt8(ascii: ":"): true
    default: false
    }
  }
}
