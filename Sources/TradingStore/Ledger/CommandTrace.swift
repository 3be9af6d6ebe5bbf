import Tracing

/// Where a command's time goes, as part of the trace that the caller is in: the wait for its lane, and the commit. A command
/// that has to be tried again shows one of each for every attempt.
struct CommandTrace: Sendable {
  private let tracer: any Tracer
  private let context: ServiceContext
  private var span: any Span

  /// Nil where nobody collects traces, so that nobody pays for them.
  init?() {
    let tracer = InstrumentationSystem.tracer
    guard let context = ServiceContext.current, !(tracer is NoOpTracer) else { return nil }
    self.tracer = tracer
    self.context = context
    span = tracer.startAnySpan("wait for the lane", context: context)
  }

  mutating func beginCommit() { follow(with: "commit") }

  /// Another replica was faster, or the database wants it again.
  mutating func beginNextWait() { follow(with: "wait for the lane") }

  func end(_ failure: DeskError?) {
    if let failure { span.recordError(failure) }
    span.end()
  }

  private mutating func follow(with name: String) {
    span.end()
    span = tracer.startAnySpan(name, context: context)
  }
}
