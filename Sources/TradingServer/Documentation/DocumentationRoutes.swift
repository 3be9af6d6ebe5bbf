import HTTPTypes
import Hummingbird
import NIOCore

/// The API's own description, for programs and for people.
struct DocumentationRoutes: Sendable {
  func register(on router: some RouterMethods<TradingContext>) {
    router.get("/openapi.json") { _, _ in
      Response(
        status: .ok, headers: [.contentType: "application/json", .cacheControl: "max-age=300"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: OpenAPI.document)))
    }
    router.get("/docs") { _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "max-age=300"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: DocumentationPage.html)))
    }
  }
}
