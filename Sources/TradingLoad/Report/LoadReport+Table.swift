extension LoadReport {
  /// For people: a table of latencies, what became of the orders, and a last sentence that says whether all is well.
  public var table: String {
    var lines = [
      "\(number(offeredPerSecond, 1)) requests/s offered, \(number(answeredPerSecond, 1)) answered, in \(number(seconds, 1)) s",
      "",
      row("latency from intended start", "answered", "failed", "p50 ms", "p99 ms", "p99.9 ms", "max ms"),
    ]
    for endpoint in endpoints {
      lines.append(
        row(
          endpoint.endpoint, "\(endpoint.answered)", "\(endpoint.failed)", number(endpoint.p50Ms, 2),
          number(endpoint.p99Ms, 2), number(endpoint.p999Ms, 2), number(endpoint.maxMs, 2)))
    }
    if driverLagP99Ms > 5 {
      lines.append(
        "This machine sent requests up to \(number(driverLagP99Ms, 1)) ms late (p99): it is busy itself, and the latencies include that."
      )
    }
    if orders.sent > 0 { lines += [""] + orderLines }
    if let webSockets { lines += ["", webSockets.line] }
    if !troubles.isEmpty {
      lines += ["", "troubles on the way:"]
      lines += troubles.sorted { $0.value > $1.value }.map { "  \($0.value) x \($0.key)" }
    }
    return (lines + ["", conclusion]).joined(separator: "\n")
  }

  private var orderLines: [String] {
    var lines = [
      "orders \(prefix)-N: sent \(orders.sent), acknowledged \(orders.acknowledged) (rejected \(orders.rejected)), refused \(orders.refused), "
        + "unknown \(orders.unknown); sent again \(orders.retried), of these after the end \(orders.resolved)",
      "ledger: found \(orders.found), lost \(orders.lost.count), doubled \(orders.doubled.count), "
        + "answered differently \(orders.differing.count), refused but there \(orders.contradicted.count)",
    ]
    let named = [
      ("lost", orders.lost), ("doubled", orders.doubled), ("answered differently", orders.differing),
      ("refused but there", orders.contradicted),
    ]
    for (name, ids) in named where !ids.isEmpty {
      lines.append("  \(name): \(ids.prefix(10).joined(separator: " "))\(ids.count > 10 ? " ..." : "")")
    }
    for obstacle in orders.obstacles { lines.append("  the ledger could not be read to its end: \(obstacle)") }
    return lines
  }

  /// One sentence.
  public var conclusion: String {
    switch verdict {
    case .broken: "BROKEN: the ledger does not hold what was answered; the client order ids are above."
    case .unresolved where !orders.ledgerIsComplete && orders.unknown == 0 && orders.unchecked == 0:
      "UNRESOLVED: nothing wrong was seen, but the ledger could not be searched for doubled orders."
    case .unresolved:
      "UNRESOLVED: nothing wrong was seen, but \(orders.unknown) orders have no answer and \(orders.unchecked) could not be "
        + "looked up. To learn more, run the same command again with --prefix \(prefix)"
    case .sound where orders.sent == 0: "Done; no orders were sent."
    case .sound: "SOUND: every acknowledged order is in the ledger exactly once, with the bytes that were answered."
    }
  }

  private func row(_ name: String, _ columns: String...) -> String {
    let padded = name + String(repeating: " ", count: max(0, 30 - name.count))
    return padded + columns.map { String(repeating: " ", count: max(1, 11 - $0.count)) + $0 }.joined()
  }
}

extension WebSocketFigures {
  fileprivate var line: String {
    let ends = ended.sorted { $0.key < $1.key }.map { "\($0.value) x \($0.key)" }.joined(separator: ", ")
    return "WebSocket clients: \(connected) of \(clients) connected, \(messages) messages, \(gaps) gaps, "
      + (transactions > 0 ? "\(transactions) transactions, \(unfilledGaps) gaps that resume left, " : "")
      + "delay p50 \(number(delayP50Ms, 1)) ms p99 \(number(delayP99Ms, 1)) ms; ended: \(ends.isEmpty ? "none" : ends)"
      + (ended.isEmpty
        ? "" : ", reconnected after p50 \(number(reconnectP50Ms, 0)) ms, at most \(number(reconnectMaxMs, 0)) ms")
  }
}

/// A number with a fixed count of decimals, without the formatters that would pull ICU into the program.
func number(_ value: Double, _ decimals: Int) -> String {
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  guard value.isFinite, abs(value) < 1e15 / scale else { return "-" }
  let scaled = Int((abs(value) * scale).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard decimals > 0 else { return "\(sign)\(scaled)" }
  let digits = String(scaled)
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  return "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
}
