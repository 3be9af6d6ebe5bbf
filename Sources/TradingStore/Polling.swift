import Glibc

/// Waits until `descriptor` can be read (or written), at most until `deadline`. False when the time is up.
///
/// Blocks the calling thread: only for use on a `ThreadExecutor`.
func waitForSocket(_ descriptor: Int32, reading: Bool, writing: Bool, until deadline: ContinuousClock.Instant) -> Bool {
  var events: Int16 = 0
  if reading { events |= Int16(POLLIN) }
  if writing { events |= Int16(POLLOUT) }
  while true {
    let left = deadline - .now
    guard left > .zero else { return false }
    var entry = pollfd(fd: descriptor, events: events, revents: 0)
    // Rounded up, so that a last fraction of a millisecond does not spin.
    let ready = poll(&entry, 1, Int32(clamping: left.wholeMilliseconds + 1))
    if ready > 0 { return true }
    if ready < 0, errno != EINTR { return true }  // The caller's next read or write reports what is wrong.
  }
}

extension Duration {
  /// Milliseconds, rounded towards zero.
  var wholeMilliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
