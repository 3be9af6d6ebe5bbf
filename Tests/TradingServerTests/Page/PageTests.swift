import Testing
import TradingStore

@testable import TradingServer

@Suite struct PageTests {
  @Test func thePageIsServedWithAPolicyThatForbidsAllElse() async throws {
    let nowhere = PostgresSettings(host: "127.0.0.1", port: try freePort(), database: "x", user: "x")
    let redis = RedisSettings(host: "127.0.0.1", port: try freePort())
    try await withServer(postgres: nowhere, redis: redis) { port, _ in
      for (path, type) in [("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")] {
        let answer = try await WireClient.request(port, "GET", path)
        let head = answer.head.lowercased()
        #expect(answer.status == 200 && head.contains("content-type: \(type); charset=utf-8"))
        #expect(head.contains("content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'"))
        #expect(!head.contains("unsafe"))
      }
      let page = try await WireClient.request(port, "GET", "/")
      // The policy would keep them from doing anything, and nobody would see why.
      for inline in ["<style", "style=", "onclick=", "<script>"] { #expect(!page.body.contains(inline)) }
    }
  }
}
