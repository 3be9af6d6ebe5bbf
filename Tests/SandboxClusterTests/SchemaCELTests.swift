import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite struct SchemaCELTests {
  private static let this = #"""
    {"name":"web","replicas":3,"ratio":2,"tags":["b","a"],"labels":{"app":"x","tier":"y"},"namespace":"ns","a-b":1,
     "at":"2024-02-03T04:05:06.5Z","for":"1h30m","items":[{"n":"p","v":1},{"n":"q","v":2}],"port":"http"}
    """#
  private static let schema = #"""
    {"type":"object","properties":{"name":{"type":"string"},"replicas":{"type":"integer"},"ratio":{"type":"number"},
     "tags":{"type":"array","items":{"type":"string"}},"labels":{"type":"object","additionalProperties":{"type":"string"}},
     "namespace":{"type":"string"},"a-b":{"type":"integer"},"at":{"type":"string","format":"date-time"},
     "for":{"type":"string","format":"duration"},"port":{"x-kubernetes-int-or-string":true},"absent":{"type":"string"},
     "items":{"type":"array","items":{"type":"object","properties":{"n":{"type":"string"},"v":{"type":"integer"}}}}}}
    """#

  private func evaluate(_ text: String) throws -> CELValue {
    let node = SchemaNode(try JSONValue(parsing: Self.schema), definitions: nil)
    let expression = try CELParser.parse(text)
    if let problem = CELChecker.problem(in: expression, schema: node, isResource: false) { throw problem }
    var evaluator = CELEvaluator(variables: ["self": CELValue(try JSONValue(parsing: Self.this), schema: node)])
    return try evaluator.evaluate(expression)
  }

  @Test(arguments: [
    "1 + 2 * 3 == 7", "(1 + 2) * 3 == 9", "7 / 2 == 3", "-7 % 3 == -1", "2.0 * 1.5 == 3.0", "1 == 1.0", "1u + 2u == 3u",
    "0x10 == 16", "1e3 == 1000.0", "-9223372036854775808 < 0", "1 < 2 && 2.5 > 2", "'a' < 'b'", "!(true && false)",
    "true ? 1 == 1 : 1 / 0 == 1", "false || true", "1 / 0 == 1 || true", "!(1 / 0 == 1 && false)",
    "2 in [1, 2, 3]", "'app' in self.labels", "!('no' in self.labels)", "[1, 2] + [3] == [1, 2, 3]",
    "{'a': 1}['a'] == 1",
    "[1, 2, 3][1] == 2", "self.replicas == 3", "self.ratio / 4.0 == 0.5", "self.labels['app'] == 'x'",
    "self.labels.tier == 'y'",
    "has(self.name) && !has(self.absent)", "self.__namespace__ == 'ns'", "self.a__dash__b == 1", "self.`a-b` == 1",
    "self.tags.all(t, size(t) == 1)", "self.items.exists(i, i.n == 'q' && i.v == 2)",
    "self.items.exists_one(i, i.v > 1)",
    "self.items.filter(i, i.v > 1).map(i, i.n) == ['q']", "self.items.map(i, i.v > 1, i.n) == ['q']",
    "self.labels.all(k, self.labels[k] in ['x', 'y'])", "[1, 0].exists(x, 1 / x == 1)", "size('häß') == 3",
    "'abc'.size() == 3",
    "'hello'.startsWith('he') && 'hello'.endsWith('lo') && 'hello'.contains('ell')", "self.name.matches('^w.b$')",
    "'a,b,c'.split(',') == ['a', 'b', 'c']", "'a,b,c'.split(',', 2) == ['a', 'b,c']", "['a', 'b'].join('-') == 'a-b'",
    "'aXbX'.replace('X', '-') == 'a-b-'", "'aXbX'.replace('X', '-', 1) == 'a-bX'", "'  x '.trim() == 'x'",
    "'AbC'.lowerAscii() == 'abc' && 'a'.upperAscii() == 'A'", "'hello'.substring(1, 3) == 'el'",
    "'hello'.indexOf('l') == 2",
    "'hello'.lastIndexOf('l') == 3", "'hello'.charAt(1) == 'e'",
    "'%s has %d (%.2f, %x)'.format(['a', 3, 1.5, 255]) == 'a has 3 (1.50, ff)'",
    "'abc 123 45'.find('[0-9]+') == '123'", "'abc 123 45'.findAll('[0-9]+') == ['123', '45']",
    "[1, 2, 3].sum() == 6 && [1, 3, 2].max() == 3 && [2, 1].min() == 1", "[1, 2].isSorted() && ![2, 1].isSorted()",
    "['x', 'y'].indexOf('y') == 1", "[1, 1, 2].distinct() == [1, 2]", "int('42') == 42 && string(42) == '42'",
    "double('1.5') == 1.5 && uint(3) == 3u", "bool('true')", "type(self.port) == string && type(1) == int",
    "int(2.9) == 2",
    "string(duration('90m')) == '5400s'", "self.for == duration('90m')", "self.for.getMinutes() == 90",
    "self.at.getFullYear() == 2024 && self.at.getMonth() == 1 && self.at.getDate() == 3",
    "self.at.getHours('+02:00') == 6",
    "self.at + duration('1s') == timestamp('2024-02-03T04:05:07.5Z')",
    "timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z') == duration('24h')",
    "self.at.getDayOfWeek() == 6", "self.at.getDayOfYear() == 33", "quantity('1Gi').isGreaterThan(quantity('1000M'))",
    "quantity('500m').add(quantity('1')).compareTo(quantity('1500m')) == 0", "isQuantity('10Gi') && !isQuantity('ten')",
    "quantity('2k').asInteger() == 2000 && quantity('-1').sign() == -1",
    "url('https://a.b:80/p?q=1').getHost() == 'a.b:80'",
    "url('https://a.b:80/p?q=1').getPort() == '80' && !isURL('a b')",
    "ip('10.0.0.1').family() == 4 && isIP('::1') && !isIP('1.2.3')",
    "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP('11.0.0.0')",
    "cidr('fd00::1/64').masked() == cidr('fd00::/64')",
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", "self.?absent.orValue('d') == 'd'",
    "self.?name.orValue('d') == 'web'",
    "!self.?absent.hasValue() && optional.of(1).value() == 1", "self.labels[?'app'].orValue('') == 'x'",
    "[?optional.none(), 1] == [1]",
    "optional.of(2).optMap(x, x + 1).orValue(0) == 3", "cel.bind(x, 5, x * x) == 25", "r'\\d' == '\\\\d'",
    "\"\"\"a\nb\"\"\".size() == 3",
    "b'abc'.size() == 3", "[[1], [2]].exists(l, l == [2]) // comment", "dyn(1) == 1", "null == null",
    "'\\u00e4'.size() == 1",
  ])
  func holds(expression: String) throws {
    guard case .bool(true) = try evaluate(expression) else {
      Issue.record("\(expression) is \(try evaluate(expression))")
      return
    }
  }

  @Test(arguments: [
    ("1 / 0", "division by zero"), ("9223372036854775807 + 1", "integer overflow"),
    ("[1][5]", "index out of bounds: 5"),
    ("{'a': 1}['b']", "no such key: b"), ("self.absent == 'x'", "no such key: absent"),
    ("1 + 'a'", "no such overload: int + string"),
    ("1 + 1.0", "no such overload: int + double"), ("duration('soon')", "invalid duration: soon"),
    ("int('x')", "type conversion error from 'string' to 'int'"),
    ("[].max()", "max called on empty list"),
  ])
  func failsWith(expression: String, message: String) {
    let error = #expect(throws: CELError.self) { try evaluate(expression) }
    #expect(error?.message == message)
  }

  @Test(arguments: ["1 +", "self.", "(1", "'open", "a b", "1 ? 2", "has(1)", "[1, 2", "{1: 2", "@", "x.all(1, true)"])
  func syntaxErrorsSayWhere(expression: String) {
    let error = #expect(throws: CELError.self) { try CELParser.parse(expression) }
    #expect(error?.offset != nil)
  }

  @Test func expensiveExpressionsAreStopped() throws {
    let list = "[" + Array(repeating: "1", count: 120).joined(separator: ",") + "]"
    let text = "\(list).all(a, \(list).all(b, \(list).all(c, a + b + c > 0)))"
    let error = #expect(throws: CELError.self) { try evaluate(text) }
    #expect(error?.message == "operation cancelled: actual cost limit exceeded")
  }
}
