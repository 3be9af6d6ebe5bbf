/// The name formats of the API (apimachinery `validation`): each function returns nil or the sentence that the server
/// prints.
enum NameRules {
  static func subdomainError(_ name: String) -> String? {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    if name.utf8.count <= 253, labels.allSatisfy({ isLabel($0) }) { return nil }
    if name.utf8.count > 253 { return "must be no more than 253 characters" }
    return
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
      + "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
      + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
  }

  static func labelError(_ name: String) -> String? {
    if name.utf8.count > 63 { return "must be no more than 63 characters" }
    if isLabel(Substring(name)) { return nil }
    return
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
      + "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
  }

  /// Services: RFC 1035, so the first character is a letter.
  static func dns1035LabelError(_ name: String) -> String? {
    if name.utf8.count > 63 { return "must be no more than 63 characters" }
    if isLabel(Substring(name)), let first = name.first, first.isLetter { return nil }
    return
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end "
      + "with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
  }

  /// RBAC names and the like: anything that fits into one path segment.
  static func pathSegmentError(_ name: String) -> String? {
    if name == "." || name == ".." { return "may not be '\(name)'" }
    if name.contains("/") { return "may not contain '/'" }
    if name.contains("%") { return "may not contain '%'" }
    return nil
  }

  /// Keys of labels and annotations.
  static func qualifiedNameError(_ key: String) -> String? {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    let name = parts[parts.count - 1]
    if parts.count > 2 { return qualifiedNameSentence }
    if parts.count == 2 {
      if parts[0].isEmpty { return "prefix part must be non-empty" }
      if let why = subdomainError(String(parts[0])) { return "prefix part " + why }
    }
    if name.isEmpty { return "name part must be non-empty" }
    if name.utf8.count > 63 { return "name part must be no more than 63 characters" }
    return isLabelText(name) ? nil : "name part " + qualifiedNameSentence
  }

  static func labelValueError(_ value: String) -> String? {
    if value.isEmpty { return nil }
    if value.utf8.count > 63 { return "must be no more than 63 characters" }
    if isLabelText(Substring(value)) { return nil }
    return
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
      + "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
      + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
  }

  static func configMapKeyError(_ key: String) -> String? {
    if key.utf8.count > 253 { return "must be no more than 253 characters" }
    if !key.isEmpty, key != ".", key != "..", key.utf8.allSatisfy({ isAlphanumeric($0) || "-._".utf8.contains($0) }) {
      return nil
    }
    return
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
      + "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
  }

  static func environmentNameError(_ name: String) -> String? {
    let printable = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "=") }
    if !name.isEmpty, printable { return nil }
    return "a valid environment variable name must consist only of printable ASCII characters other than '='"
  }

  static let qualifiedNameSentence =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  "
    + "or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

  private static func isLabel(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 253 else { return false }
    return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
      && text.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
  }

  private static func isLabelText(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last else { return false }
    return isAlphanumeric(first) && isAlphanumeric(last)
      && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
  }

  private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isLowerAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }
}
