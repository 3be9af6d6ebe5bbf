import Testing

@testable import SandboxCluster

@Suite struct SchemaPatternTests {
  @Test(arguments: [
    ("abc", "xabcx", true), ("^abc$", "xabc", false), ("^a*$", "aaaa", true), ("^(a|b)+?c{2,3}$", "abcc", true),
    ("^c{2,3}$", "cccc", false), ("^[[:alpha:]_-]+$", "ab_-", true), ("[^a-z]", "abc", false),
    (#"^\d+\.\d$"#, "12.3", true),
    (#"\bfoo\b"#, "a foo b", true), (#"\bfoo\b"#, "afoob", false), ("(?i)^HeLLo$", "hEllO", true),
    ("^(?:x|)$", "", true),
    ("^.$", "\n", false), ("(?s)^.$", "\n", true), ("(?m)^b$", "a\nb", true), (#"^\p{Lu}\pL$"#, "Äb", true),
    ("^a{,2}$", "a{,2}", true), ("^[]a]+$", "]a", true), (#"^[\w.-]+$"#, "a.b-c", true), ("^(?P<n>x)y$", "xy", true),
    ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "my-name", true), ("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "my-", false),
  ])
  func matching(pattern: String, text: String, expected: Bool) throws {
    #expect(try PatternMatcher(pattern).matches(text) == expected)
  }

  @Test func findsLeftmostMatchesWithGreedAsWritten() throws {
    #expect(try PatternMatcher("a+").allMatches(in: "baaacaa") == ["aaa", "aa"])
    #expect(try PatternMatcher("a+?").allMatches(in: "aaa", limit: 2) == ["a", "a"])
    #expect(try PatternMatcher("a|ab").allMatches(in: "ab") == ["a"])
  }

  @Test func nestedRepetitionStaysLinear() throws {
    #expect(try PatternMatcher("^(a*)*$").matches(String(repeating: "a", count: 2_000) + "b") == false)
  }

  @Test(arguments: ["(", "a)", "[z-a]", "*a", #"\"#, "(?=x)", #"\y"#, "a{2,1}", "[[:nope:]]"])
  func badPatternsAreRefused(pattern: String) {
    #expect(throws: PatternSyntaxError.self) { try PatternMatcher(pattern) }
  }
}
