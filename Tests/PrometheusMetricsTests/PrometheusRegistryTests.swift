import CoreMetrics
import PrometheusMetrics
import Testing

@Suite struct PrometheusRegistryTests {
  @Test func sameLabelsInAnotherOrderAreOneSeries() {
    let registry = PrometheusRegistry()
    registry.describe("orders_total", "Orders, by \\ side\nand kind")
    Counter(label: "orders_total", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
    Counter(label: "orders_total", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment(by: 2)
    #expect(
      registry.exposition() == """
        # HELP orders_total Orders, by \\\\ side\\nand kind
        # TYPE orders_total counter
        orders_total{a="1",b="2"} 3

        """)
  }

  @Test func timersAreHistogramsInSeconds() {
    let registry = PrometheusRegistry(buckets: [0.1, 1])
    let timer = Timer(label: "request_seconds", dimensions: [("path", "/a\"b")], factory: registry)
    timer.recordNanoseconds(50_000_000)
    timer.recordNanoseconds(100_000_000)
    timer.recordNanoseconds(2_500_000_000)
    #expect(
      registry.exposition() == """
        # TYPE request_seconds histogram
        request_seconds_bucket{path="/a\\"b",le="0.1"} 2
        request_seconds_bucket{path="/a\\"b",le="1"} 2
        request_seconds_bucket{path="/a\\"b",le="+Inf"} 3
        request_seconds_sum{path="/a\\"b"} 2.65
        request_seconds_count{path="/a\\"b"} 3

        """)
  }

  @Test func gaugesGoUpAndDownAndNamesAreMadeValid() {
    let registry = PrometheusRegistry()
    let meter = Meter(label: "queue.depth-now", factory: registry)
    meter.set(3)
    meter.increment()
    meter.decrement(by: 2)
    #expect(registry.exposition() == "# TYPE queue_depth_now gauge\nqueue_depth_now 2\n")
    meter.destroy()
    #expect(registry.exposition().isEmpty)
  }

  @Test func oneNameNeverHasTwoTypes() {
    let registry = PrometheusRegistry()
    Counter(label: "x", factory: registry).increment()
    Gauge(label: "x", factory: registry).record(5)
    let text = registry.exposition()
    #expect(text.contains("# TYPE x counter\nx 1\n"))
    #expect(text.contains("# TYPE x_gauge gauge\nx_gauge 5\n"))
  }
}
