import InMemoryTracing
import Testing
import TradingStore
import Tracing

@testable import TradingServer

@Suite struct TracingTests {
  @Test func anOrderIsOneTraceFromTheRequestToTheCommit() async throws {
    let tracer = InMemoryTracer()
    try await withTracer(tracer) {
      try await withAdministeredServer { port, _ in
        let answer = try await WireClient.order(port, "traced")
        #expect(answer.status == 201)
      }
    }
    let spans = tracer.finishedSpans
    let request = try #require(spans.first { $0.operationName == "POST /api/orders" })
    let trace = request.traceID
    #expect(
      Set(spans.filter { $0.traceID == trace }.map(\.operationName))
        == ["POST /api/orders", "place order", "wait for the lane", "commit"])
    #expect(request.attributes.get("http.response.status_code") == .int64(201))
    let placing = try #require(spans.first { $0.operationName == "place order" })
    #expect(placing.parentSpanID == request.spanID)
    let parts = spans.filter { $0.traceID == trace && $0.parentSpanID == placing.spanID }
    #expect(Set(parts.map(\.operationName)) == ["wait for the lane", "commit"])
  }
}
