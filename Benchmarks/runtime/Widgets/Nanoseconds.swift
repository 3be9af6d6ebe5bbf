import FoundationEssentials
import Glibc

public enum Nanoseconds {
  /// Since 1970.
  public static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}

/// Secret values as they stand on the wire.
public enum Base64Text {
  public static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}
