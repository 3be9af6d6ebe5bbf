import FoundationEssentials

/// The string formats that the API server checks (apiextensions, "format"); unknown ones pass, as there.
enum StringFormat {
  static func accepts(_ text: String, format: String) -> Bool {
    switch format {
    case "date-time", "datetime": return (try? CELTimestamp(rfc3339: text)) != nil
    case "date": return isDate(text)
    case "duration": return (try? CELDuration(parsing: text)) != nil
    case "byte": return Data(base64Encoded: text) != nil
    case "ipv4": return IPAddressValue(text)?.isIPv4 == true
    case "ipv6": return IPAddressValue(text)?.isIPv4 == false
    case "cidr": return CIDRValue(text) != nil
    case "uuid", "uuid3", "uuid4", "uuid5": return isUUID(text)
    case "mac": return isMAC(text)
    case "hostname": return isHostname(text)
    case "email": return isEmail(text)
    case "uri": return URLValue(text) != nil
    default: return true
    }
  }

  private static func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2] else { return false }
    return (try? CELTimestamp(rfc3339: text + "T00:00:00Z")) != nil
  }

  private static func isHex<S: StringProtocol>(_ text: S) -> Bool {
    text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (97...102).contains(byte) || (65...70).contains(byte)
    }
  }

  private static func isUUID(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.map(\.utf8.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { isHex($0) }
  }

  private static func isMAC(_ text: String) -> Bool {
    let separator: Character = text.contains("-") ? "-" : ":"
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    return (parts.count == 6 || parts.count == 8) && parts.allSatisfy { $0.utf8.count == 2 && isHex($0) }
  }

  private static func isHostname(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 253 else { return false }
    return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
        && label.unicodeScalars.allSatisfy {
          $0.isASCII && ($0.properties.isAlphabetic || $0 == "-" || ("0"..."9").contains($0))
        }
    }
  }

  private static func isEmail(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && isHostname(String(parts[1])) && !text.contains(" ")
  }
}
