import Foundation
import KubernetesModels
import Testing

struct JSONCodingTests {
  private struct Inner: Codable, Equatable {
    var count: Int
    var names: [String]
  }

  private struct Outer: Codable, Equatable {
    var flag: Bool?
    var small: UInt8
    var ratio: Double
    var inner: [String: Inner]
    var anything: JSONValue
  }

  @Test func aStructGoesThroughJSONAndBack() throws {
    let outer = Outer(
      flag: nil, small: 200, ratio: 0.5, inner: ["x": Inner(count: 3, names: ["a"])], anything: ["k": [.null, 1, "s"]])
    let json = try JSONValue(encoding: outer)
    #expect(
      json == [
        "small": 200, "ratio": 0.5, "inner": ["x": ["count": 3, "names": ["a"]]], "anything": ["k": [.null, 1, "s"]],
      ])
    #expect(try json.decode(Outer.self) == outer)
  }

  @Test func foundationsCoderReadsTheSameJSON() throws {
    let value: JSONValue = ["a": [1, 2.5, true, .null, "s", ["b": [:]]]]
    #expect(try JSONDecoder().decode(JSONValue.self, from: Data(value.serialized())) == value)
    #expect(try JSONValue(parsing: Array(JSONEncoder().encode(value))) == value)
    let pod = Pod(metadata: ObjectMeta(name: "p"), spec: PodSpec(containers: [Container(name: "c")]))
    #expect(try JSONDecoder().decode(Pod.self, from: JSONEncoder().encode(pod)) == pod)
  }

  @Test func whatDoesNotFitIsReportedWithItsPath() {
    let json: JSONValue = ["small": 1, "ratio": 1, "anything": .null, "inner": ["x": ["count": "three", "names": []]]]
    #expect { try json.decode(Outer.self) } throws: { error in
      guard case DecodingError.typeMismatch(_, let context) = error else { return false }
      return context.codingPath.map(\.stringValue) == ["inner", "x", "count"]
    }
  }

  @Test(arguments: [JSONValue.integer(256), .integer(-1), .double(1.5), .string("1"), .null])
  func anIntegerOutOfRangeIsRefused(value: JSONValue) {
    #expect(throws: DecodingError.self) { try value.decode(UInt8.self) }
  }

  @Test func aNumberThatJSONCannotHoldIsRefused() {
    #expect(throws: EncodingError.self) { try JSONValue(encoding: ["x": Double.infinity]) }
  }

  @Test func nullOrAbsentListsReadAsEmptyAsInGo() throws {
    let role: JSONValue = ["metadata": ["name": "r"], "rules": [["apiGroups": .null, "verbs": .null]]]
    #expect(try role.decode(Role.self).rules?.first?.verbs == [])
    #expect(try JSONValue.object(["spec": ["containers": .null]]).decode(Pod.self).spec?.containers == [])
    #expect(throws: DecodingError.self) { try JSONValue.object(["spec": [:]]).decode(Deployment.self) }
  }
}
