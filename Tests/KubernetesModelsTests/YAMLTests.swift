import KubernetesModels
import Testing

struct YAMLTests {
  @Test(
    arguments: [
      ("yes", true), ("Off", false), ("y", true), ("\"yes\"", "yes"), ("~", .null), ("Null", .null), ("nul", "nul"),
      ("12", 12), ("-7", -7), ("+7", 7), ("0x1F", 31), ("0o17", 15), ("017", 15), ("0b101", 5), ("1_000", 1000),
      ("089", .double(89)), ("1.5", 1.5), (".5", 0.5), ("1e3", .double(1000)), ("5.", .double(5)), ("1.2.3", "1.2.3"),
      ("12:30", "12:30"), ("2026-01-31", "2026-01-31"), ("0x", "0x"), ("-", "-"), ("'12'", "12"), ("!!str 12", "12"),
      ("!!int \"12\"", 12), ("! 12", "12"), ("20Gi", "20Gi"), ("500m", "500m"), ("truE", "truE"), (".inf", ".inf"),
    ] as [(String, JSONValue)])
  func scalarsResolveAsKubectlReadsThem(text: String, expected: JSONValue) throws {
    #expect(try YAML.parse("key: \(text == "-" ? "\"-\"" : text)\n") == [["key": expected]])
  }

  @Test func documentsBlocksAnchorsAndMerges() throws {
    let text = """
      # a comment
      ---
      base: &base {a: 1, b: 2}
      merged:
        <<: *base
        b: 3
      list:
      - *base
      - |
        two
          lines
      - >-
        folded
        text
      on: key
      8080: port
      ---
      ---
      second: "quoted \\u00e9"
      """
    #expect(
      try YAML.parse(text) == [
        [
          "base": ["a": 1, "b": 2], "merged": ["a": 1, "b": 3],
          "list": [["a": 1, "b": 2], "two\n  lines\n", "folded text"], "true": "key", "8080": "port",
        ],
        ["second": "quoted é"],
      ])
    #expect(try YAML.parse("") == [])
    #expect(try YAML.parse("# nothing\n") == [])
    #expect(try YAML.parse(#"{"json": [1, true, null, "x"]}"#) == [["json": [1, true, .null, "x"]]])
  }

  @Test(arguments: [
    ("a: 1\nb: [1, 2\nc: 3", 3), ("a: 1\n\tb: 2", 2), ("a: 1\nb: 2\na: 3", 3), ("a: *nowhere", 1), ("a:\n  ~: 1", 2),
    ("a: 1\n? [x]\n: 2", 2), ("a: 1\nb: !!int x", 2), ("a: \"x", 1),
  ])
  func aFaultIsReportedWithItsLine(text: String, line: Int) {
    let error = #expect(throws: YAMLParseError.self) { try YAML.parse(text) }
    #expect(error?.line == line)
  }

  @Test func aliasesCannotGrowWithoutBound() {
    var text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      text += "l\(level): &l\(level) [" + Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
    }
    #expect(throws: YAMLParseError.self) { try YAML.parse(text) }
  }

  @Test func theWriterIsStable() {
    let value: JSONValue = [
      "kind": "ConfigMap", "data": ["a.conf": "one\n  two\n", "yes": "no", "n": "12"],
      "list": [["x": 1, "y": [2, []]], .null],
      "empty": [:],
    ]
    #expect(
      YAML.serialize(value) == """
        data:
          a.conf: |
            one
              two
          'n': '12'
          'yes': 'no'
        empty: {}
        kind: ConfigMap
        list:
        - x: 1
          'y':
          - 2
          - []
        - null

        """)
  }

  @Test(arguments: [
    "", " ", "a b", "true", "No", "12", "1e3", "0x1F", "~", "null", "- a", "-", "a: b", "a #b", "#", "a:", "it's",
    "\"q\"",
    "\n", "a\n", "a\n\n", "\na", " a\nb", "a\n b ", "a\tb", "\ta\nb", "a\r\nb", "\u{85}", "\u{2028}", "\u{FEFF}x", "😀",
    "é",
    "{", "[x]", "*a", "&a", "!a", "%a", "@a", "`a", "| x", "a\\b\u{7}", "---", "...", "? a", "<<", "=", "2026-01-31",
    "x\0",
  ])
  func everyStringComesBackAsItself(text: String) throws {
    let value: JSONValue = ["top": .string(text), "list": [.string(text), [.string(text)]], "keys": [text + "k": 1]]
    #expect(try YAML.parse(YAML.serialize(value)) == [value])
    #expect(try YAML.parse(YAML.serialize(.array([.string(text)]))) == [[.string(text)]])
  }
}
