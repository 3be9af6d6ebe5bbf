import HTTPTypes
import Hummingbird
import NIOCore

/// The trader's page: a document, a style and a script that are part of the program.
struct PageRoutes: Sendable {
  /// Nothing but the page's own files, this server's API and its WebSocket.
  static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  func register(on router: some RouterMethods<some RequestContext>) {
    for (path, type, text) in [
      ("/", "text/html", pageDocument), ("/page.css", "text/css", pageStyle),
      ("/page.js", "text/javascript", pageScript),
    ] {
      let body = ByteBuffer(string: text)
      router.get(RouterPath(path)) { _, _ in
        Response(
          status: .ok,
          headers: [
            .contentType: type + "; charset=utf-8", .contentSecurityPolicy: Self.policy,
            // A new version of the server brings its own page.
            .cacheControl: "no-cache",
          ],
          body: ResponseBody(byteBuffer: body))
      }
    }
  }
}
