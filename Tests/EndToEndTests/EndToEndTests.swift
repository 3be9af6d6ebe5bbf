import Testing

/// Everything that starts clusters lives below this suite, one test after another: two cores, and shared clusters.
@Suite(.serialized)
enum EndToEnd {}
