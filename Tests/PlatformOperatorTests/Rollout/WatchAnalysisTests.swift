import Testing

@testable import PlatformOperator

struct WatchAnalysisTests {
  /// A page of a server that answered so many requests, `failed` of them with 500, `slow` of them in 0.5 to 1 s and the
  /// others within 10 ms.
  private func page(_ requests: Int, failed: Int = 0, slow: Int = 0) -> String {
    """
    # HELP rtx_http_requests_total Finished HTTP requests.
    # TYPE rtx_http_requests_total counter
    rtx_http_requests_total{method="POST",route="/api/orders",status="201"} \(requests - failed)
    rtx_http_requests_total{method="POST",route="/api/orders",status="500"} \(failed)
    rtx_http_requests_total{method="GET",route="/ready",status="503"} 7000
    rtx_http_request_duration_seconds_bucket{method="POST",route="/api/orders",le="0.01"} \(requests - slow)
    rtx_http_request_duration_seconds_bucket{method="POST",route="/api/orders",le="0.5"} \(requests - slow)
    rtx_http_request_duration_seconds_bucket{method="POST",route="/api/orders",le="1"} \(requests)
    rtx_http_request_duration_seconds_bucket{method="POST",route="/api/orders",le="+Inf"} \(requests)
    rtx_http_request_duration_seconds_bucket{method="GET",route="/ready",le="+Inf"} 7000
    """
  }

  private func verdict(
    _ seen: String, after old: String, restarts: Int = 0, _ thresholds: WatchThresholds = WatchThresholds()
  ) -> WatchVerdict {
    WatchAnalysis(thresholds: thresholds, baseline: RequestFigures(metrics: old))
      .verdict(RequestFigures(metrics: seen), restarts: restarts)
  }

  @Test func aColourThatDoesAsTheOldOneDidIsHealthy() {
    #expect(verdict(page(1000), after: page(1000)) == .healthy)
    #expect(verdict(page(1000, failed: 10), after: page(1000)) == .healthy)
    // What was bad before is not the release's fault.
    #expect(verdict(page(1000, failed: 50), after: page(1000, failed: 30)) == .healthy)
  }

  @Test func fivePercentOfErrorsFail() {
    #expect(
      verdict(page(1000, failed: 50), after: page(1000))
        == .failed("5 % of 1000 requests failed since the switch; the limit is 1 %, and it was 0 % before"))
  }

  @Test func aTripledP99Fails() {
    guard case .failed(let reason) = verdict(page(1000, slow: 50), after: page(1000)) else {
      Issue.record("fifty slow answers of a thousand were overlooked")
      return
    }
    #expect(reason == "p99 is 900 ms, and was 9.9 ms before the switch: more than 2 times as long")
    #expect(
      verdict(page(1000, slow: 50), after: page(10), WatchThresholds(p99Seconds: 0.1))
        == .failed("p99 is 900 ms; the limit is 100 ms"))
    // Nothing to compare with, and no bound: nothing to say.
    #expect(verdict(page(1000, slow: 50), after: page(10)) == .healthy)
  }

  @Test func fewRequestsSayNothingAndRestartsSayEnough() {
    #expect(verdict(page(99, failed: 99), after: page(1000)) == .healthy)
    #expect(
      verdict(page(0), after: page(0), restarts: 1)
        == .failed("trading servers restarted 1 times since the switch; 0 are allowed"))
  }

  @Test func countersAreTakenSinceTheSwitchAndAnewAfterARestart() {
    let (before, after) = (RequestFigures(metrics: page(500, failed: 5)), RequestFigures(metrics: page(800, failed: 6)))
    let since = after.since(before)
    #expect(since.requests == 300 && since.failures == 1 && since.buckets[0.01] == 300)
    #expect(before.since(after) == before)
    let both = since + before
    #expect(both.requests == 800 && both.buckets[.infinity] == 800)
  }

  @Test func labelsWithQuotesAndHalfPagesAreRead() {
    let samples = PrometheusText.samples(
      in: "a{x=\"1\\\"}\\n\",y=\"b,c\"} 2 1700000000\nb +Inf\nc NaN\nbroken{x=\"1\nd{x=\"\"}")
    #expect(samples.prefix(2).map(\.name) == ["a", "b"])
    #expect(samples[0].labels == ["x": "1\"}\n", "y": "b,c"] && samples[0].value == 2)
    #expect(samples[1].value == .infinity)
    #expect(samples.count == 3 && samples[2].value.isNaN)
  }
}
