import Foundation

/// The server as the system sees it.
struct ServerProcess {
  struct Unreadable: Error, CustomStringConvertible {
    let pid: Int32
    var description: String { "process \(pid) cannot be read: is the server running?" }
  }

  let pid: Int32

  /// VmRSS.
  func residentKiB() throws -> Int {
    let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    guard let number = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0.filter(\.isNumber)) })
    else { throw Unreadable(pid: pid) }
    return number
  }

  /// User and system time.
  func processorSeconds() throws -> Double {
    let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    // The name in brackets may hold spaces; utime and stime are the 12th and 13th field behind it.
    guard let fields = stat?.split(separator: ")").last?.split(separator: " "), fields.count > 12,
      let user = Double(fields[11]), let system = Double(fields[12])
    else { throw Unreadable(pid: pid) }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}

/// This process's user and system time.
func ownProcessorSeconds() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
  return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
