import Testing

@testable import KubernetesModels

struct JSONValueTests {
  @Test func aDocumentComesBackWithSortedKeys() throws {
    let text =
      #"{"b":[1,-2.5,true,null,"x"],"a":{"é":"\u00e9\n\"\\\/"},"c":9223372036854775807,"d":-9223372036854775808}"#
    let value = try JSONValue(parsing: text)
    #expect(value["c"] == .integer(.max))
    #expect(value["d"] == .integer(.min))
    #expect(
      value.serializedString()
        == #"{"a":{"é":"é\n\"\\/"},"b":[1,-2.5,true,null,"x"],"c":9223372036854775807,"d":-9223372036854775808}"#)
    #expect(try JSONValue(parsing: value.serialized()) == value)
    #expect(try JSONValue(parsing: value.serializedString(pretty: true)) == value)
  }

  @Test(arguments: [
    ("", 0), ("{", 1), ("[1,]", 3), ("{\"a\" 1}", 5), ("{\"a\":1,}", 7), ("01", 2), ("1.", 2), ("-", 1), ("tru", 0),
    ("\"a", 2), ("\"\\x\"", 2), ("\"\u{01}\"", 1), ("1 2", 2), ("{a:1}", 1), ("1e400", 5), ("\"\\u12g4\"", 5),
    ("+1", 0),
    ("NaN", 0),
  ])
  func aMalformedDocumentIsRefusedAtItsFault(text: String, offset: Int) {
    let error = #expect(throws: JSONParseError.self) { try JSONValue(parsing: text) }
    #expect(error?.offset == offset)
  }

  @Test func nestingIsLimited() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    #expect(throws: Never.self) { try JSONValue(parsing: nested(512)) }
    #expect(throws: JSONParseError.self) { try JSONValue(parsing: nested(513)) }
  }

  @Test(arguments: [
    #"[{"manager":"a","fields":{"f:}":[1,"]\"{"]}}]"#, "null", "12.5", #""a,}]""#, "[]", "{}", #"[ {"a": [[]] } ]"#,
  ])
  func managedFieldsAreLeftOutWhateverTheyHold(fields: String) throws {
    let text = #"{"metadata":{"name":"a", "managedFields" : \#(fields) ,"uid":"u"},"managedFields":1}"#
    let value = try JSONValue(parsing: Array(text.utf8), omittingManagedFields: true)
    #expect(value == ["metadata": ["name": "a", "uid": "u"], "managedFields": 1])
    let last = #"{"items":[{"metadata":{"managedFields":\#(fields)}}]}"#
    #expect(
      try JSONValue(parsing: Array(last.utf8), omittingManagedFields: true) == ["items": [["metadata": [:]]]])
    #expect(
      try JSONValue(parsing: text).value(at: ["metadata", "managedFields"]) == JSONValue(parsing: fields))
  }

  @Test(arguments: [
    #"{"metadata":{"managedFields":[{"#, #"{"metadata":{"managedFields":"a"#, #"{"metadata":{"managedFields":1"#,
  ])
  func managedFieldsThatDoNotEndAreRefused(text: String) {
    #expect(throws: JSONParseError.self) { try JSONValue(parsing: Array(text.utf8), omittingManagedFields: true) }
  }

  @Test func surrogatePairsAreJoinedAndLoneOnesReplaced() throws {
    #expect(try JSONValue(parsing: #""\ud83d\ude00""#) == "😀")
    #expect(try JSONValue(parsing: #""\ud83d-\ude00\ud83dA""#) == "\u{FFFD}-\u{FFFD}\u{FFFD}A")
    #expect(try JSONValue(parsing: [0x22, 0xFF, 0x22]) == "\u{FFFD}")
  }

  @Test func integersBeyondSixtyFourBitsBecomeDoubles() throws {
    #expect(try JSONValue(parsing: "9223372036854775808") == .double(9_223_372_036_854_775_808))
    #expect(JSONValue.double(3).serializedString() == "3")
    #expect(JSONValue.double(3).intValue == 3)
    #expect(JSONValue.double(3.5).intValue == nil)
  }

  @Test func repeatedFieldsAreReportedByPath() throws {
    let text = #"{"spec":{"replicas":1,"replicas":2,"items":[{"a":1,"a":1}]}}"#
    let (value, duplicates) = try JSONValue.parseNotingDuplicates(Array(text.utf8))
    #expect(value.value(at: ["spec", "replicas"]) == 2)
    #expect(duplicates == ["spec.replicas", "spec.items.0.a"])
  }

  @Test func pathsReadAndWrite() {
    var value: JSONValue = ["items": [["name": "a"], ["name": "b"]]]
    #expect(value.value(at: ["items", "1", "name"]) == "b")
    #expect(value["items"]?[0]?["name"] == "a")
    #expect(value["items"]?[2] == nil)

    value.set("c", at: ["items", "1", "name"])
    value.set(1, at: ["spec", "new", "count"])
    #expect(value == ["items": [["name": "a"], ["name": "c"]], "spec": ["new": ["count": 1]]])

    value.set(nil, at: ["spec", "new", "count"])
    value.set(nil, at: ["never", "there"])
    value.set(1, at: ["items", "9", "name"])
    value["items"]?["name"] = "a list has no fields"
    #expect(value == ["items": [["name": "a"], ["name": "c"]], "spec": ["new": [:]]])
  }
}
