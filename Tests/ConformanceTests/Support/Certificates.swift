import Foundation
import Testing

/// The keys and certificates of one control plane, made by the `openssl` program.
enum Certificates {
  /// Makes `ca`, `server`, `admin` (`.crt` and `.key`) and the service-account pair `sa.key`, `sa.pub`.
  static func make(in folder: ScratchFolder) throws {
    try folder.write(
      "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc\nextendedKeyUsage=serverAuth\n",
      to: "server.ext")
    try folder.write("extendedKeyUsage=clientAuth\n", to: "admin.ext")
    let newKey = "openssl ecparam -name prime256v1 -genkey -noout -out"
    func signed(_ name: String, _ subject: String) -> String {
      """
      \(newKey) \(name).key
      openssl req -new -key \(name).key -subj \(subject) -out \(name).csr
      openssl x509 -req -in \(name).csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile \(name).ext -out \(name).crt
      """
    }
    let script = """
      set -e
      \(newKey) ca.key
      openssl req -x509 -new -key ca.key -subj /CN=conformance-ca -days 2 -out ca.crt
      \(signed("server", "/CN=kube-apiserver"))
      \(signed("admin", "/O=system:masters/CN=admin"))
      \(newKey) sa.key
      openssl ec -in sa.key -pubout -out sa.pub
      """
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(filePath: folder.path)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl did not make the certificates; is it installed?")
  }
}
