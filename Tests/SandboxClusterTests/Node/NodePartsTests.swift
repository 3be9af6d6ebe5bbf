import Foundation
import KubernetesModels
import Testing

@testable import SandboxCluster

@Suite("Parts of the node")
struct NodePartsTests {
  // MARK: Probes

  @Test func aReadinessProbeNeedsItsThresholdsInARow() {
    var probe = Probe()
    probe.successThreshold = 2
    probe.failureThreshold = 2
    var machine = ProbeMachine(kind: .readiness, probe: probe)
    #expect(machine.record(success: true) == nil)
    #expect(machine.record(success: false) == nil)
    #expect(machine.record(success: true) == nil)
    #expect(machine.record(success: true) == .success)
    #expect(machine.record(success: true) == nil)
    #expect(machine.record(success: false) == nil)
    #expect(machine.record(success: false) == .failure)
  }

  @Test func aLivenessProbeFailsAgainIfTheContainerLivesOn() {
    var machine = ProbeMachine(kind: .liveness, probe: Probe())
    #expect(machine.record(success: true) == nil)
    #expect(machine.record(success: false) == nil)
    #expect(machine.record(success: false) == nil)
    #expect(machine.record(success: false) == .failure)
    #expect(machine.record(success: false) == nil)
    #expect(machine.record(success: false) == nil)
    #expect(machine.record(success: false) == .failure)
  }

  // MARK: Environment

  @Test func referencesAreReplacedAndEscapesKept() {
    var environment = ContainerEnvironment(["A": "1"])
    environment.set("B", to: "$(A)2$(MISSING)$$(A)")
    #expect(environment.values["B"] == "12$(MISSING)$(A)")
    environment.setVerbatim("C", to: "$(A)")
    #expect(environment.values["C"] == "$(A)")
    #expect(environment.expand("x$") == "x$")
    #expect(environment.expand("$(A") == "$(A")
  }

  @Test func downwardFieldsFollowTheKubeletsForms() throws {
    var container = Container(name: "c")
    container.resources = ResourceRequirements(limits: ["cpu": Quantity("1500m"), "memory": Quantity("64Mi")])
    let pod = Pod(
      metadata: ObjectMeta(labels: ["b": "2", "a": "say \"x\""], name: "p", namespace: "n", uid: "u"),
      spec: PodSpec(containers: [container]))
    let fields = PodFields(
      pod: pod, address: IPv4Address("10.0.0.9"), hostAddress: "10.0.0.1",
      machine: MachineCapacity(cpus: 4, memoryBytes: 1 << 30, diskBytes: 0))
    #expect(try fields.value("metadata.labels") == "a=\"say \\\"x\\\"\"\nb=\"2\"")
    #expect(try fields.value("metadata.labels['b']") == "2")
    #expect(try fields.value("status.podIP") == "10.0.0.9")
    #expect(try fields.value(ResourceFieldSelector(resource: "limits.cpu"), container: "c") == "2")
    #expect(
      try fields.value(
        ResourceFieldSelector(divisor: Quantity("1Mi"), resource: "limits.memory"), container: "c") == "64")
    #expect(throws: VolumeError.self) { try fields.value("spec.nothing") }
  }

  // MARK: Images

  @Test func imagesBuiltHereAreFoundBelowLocalhost() {
    #expect(
      ImageStore.candidates("rtx-platform/rtx-server:dev")
        == ["localhost/rtx-platform/rtx-server:dev", "docker.io/rtx-platform/rtx-server:dev"])
    #expect(ImageStore.candidates("busybox:1") == ["localhost/busybox:1", "docker.io/library/busybox:1"])
    #expect(ImageStore.candidates("quay.io/a/b:1") == ["quay.io/a/b:1"])
    #expect(ImageStore.candidates("host:5000/a:1") == ["host:5000/a:1"])
  }

  // MARK: Container specification

  func specification(_ container: Container, pod: PodSecurityContext? = nil, user: String = "")
    -> ContainerSpecification
  {
    var spec = PodSpec(containers: [container])
    spec.securityContext = pod
    spec.volumes = [Volume(configMap: ConfigMapVolumeSource(name: "m"), name: "v")]
    return ContainerSpecification(
      pod: Pod(metadata: ObjectMeta(name: "p"), spec: spec), container: container, name: "c",
      image: Podman.Image(id: "i", name: "n", user: user, size: 0), environment: ContainerEnvironment(["X": "y"]),
      networkPath: "/var/run/netns/z", hostname: "p", volumes: ["v": "/data/v"], files: [:], logPath: "/l",
      cgroupParent: "/g", labels: [:], limits: .init(memory: true, cpu: true))
  }

  @Test func commandReplacesTheEntryPointAndArgsTheArguments() throws {
    var container = Container(name: "c")
    container.args = ["$(X)"]
    let argsOnly = try specification(container).json()
    #expect(argsOnly["entrypoint"] == nil)
    #expect(argsOnly["command"] == ["y"])
    container.command = ["run"]
    container.args = nil
    let commandOnly = try specification(container).json()
    #expect(commandOnly["entrypoint"] == ["run"])
    #expect(commandOnly["command"] == [])
  }

  @Test func restrictedSecurityIsHandedOn() throws {
    var container = Container(name: "c")
    container.securityContext = SecurityContext(
      allowPrivilegeEscalation: false, capabilities: Capabilities(add: ["NET_BIND_SERVICE"], drop: ["ALL"]),
      readOnlyRootFilesystem: true)
    container.resources = ResourceRequirements(
      limits: ["cpu": Quantity("500m"), "memory": Quantity("512Mi")], requests: ["cpu": Quantity("250m")])
    container.volumeMounts = [VolumeMount(mountPath: "/etc/m", name: "v", subPath: "k")]
    let json = try specification(container, pod: PodSecurityContext(fsGroup: 999, runAsGroup: 998, runAsUser: 1000))
      .json()
    #expect(json["no_new_privileges"] == true)
    #expect(json["read_only_filesystem"] == true)
    #expect(json["cap_drop"] == ["ALL"])
    #expect(json["cap_add"] == ["CAP_NET_BIND_SERVICE"])
    #expect(json["user"] == "1000:998")
    #expect(json["groups"] == ["999"])
    #expect(json.value(at: ["resource_limits", "memory", "limit"])?.intValue == 512 << 20)
    #expect(json.value(at: ["resource_limits", "cpu", "quota"])?.intValue == 50_000)
    #expect(json.value(at: ["resource_limits", "cpu", "shares"])?.intValue == 256)
    let mount = json["mounts"]?[0]
    #expect(mount?["source"] == "/data/v/k")
    #expect(mount?["options"] == ["rbind", "ro", "rprivate"])
  }

  @Test func runAsNonRootRefusesRootImages() {
    let security = PodSecurityContext(runAsNonRoot: true)
    let container = Container(name: "c")
    #expect(throws: VolumeError.self) { try specification(container, pod: security).json() }
    #expect(throws: VolumeError.self) { try specification(container, pod: security, user: "postgres").json() }
    #expect(throws: Never.self) { try specification(container, pod: security, user: "999:999").json() }
  }

  // MARK: Files

  @Test func projectedFilesChangeTogetherAndOnlyWhenNeeded() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/projected-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let projected = ProjectedFolder(path: folder)
    #expect(
      try projected.write([
        VolumeFile(path: "a", content: [1], mode: 0o400), VolumeFile(path: "d/b", content: [2], mode: 0o644),
      ]))
    let first = try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/..data")
    #expect(try Data(contentsOf: URL(filePath: "\(folder)/d/b")) == Data([2]))
    #expect(
      try !projected.write([
        VolumeFile(path: "a", content: [1], mode: 0o400), VolumeFile(path: "d/b", content: [2], mode: 0o644),
      ]))
    #expect(try projected.write([VolumeFile(path: "a", content: [3], mode: 0o400)]))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/..data") != first)
    #expect(try Data(contentsOf: URL(filePath: "\(folder)/a")) == Data([3]))
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/d"))
    #expect(throws: VolumeError.self) { try projected.write([VolumeFile(path: "../x", content: [], mode: 0o644)]) }
  }

  // MARK: Logs and streams

  let log = Array(
    """
    2026-01-18T09:00:00.100000000+00:00 stdout F one
    2026-01-18T09:00:01.100000000+00:00 stdout P tw
    2026-01-18T09:00:01.200000000+00:00 stdout F o
    2026-01-18T09:00:02.100000000+00:00 stderr F three

    """.utf8)

  func text(_ selection: ContainerLog.Selection) -> String {
    var formatter = ContainerLog.Formatter(selection: selection)
    return String(decoding: formatter.first(log), as: UTF8.self)
  }

  @Test func logLinesAreJoinedCountedAndDated() {
    #expect(text(.init()) == "one\ntwo\nthree\n")
    #expect(text(.init(tailLines: 2)) == "two\nthree\n")
    #expect(text(.init(tailLines: 0)).isEmpty)
    #expect(text(.init(timestamps: true, tailLines: 2)).hasPrefix("2026-01-18T09:00:01.100000000+00:00 two\n"))
    #expect(text(.init(since: MicroTime("2026-01-18T09:00:02Z"))) == "three\n")
    #expect(text(.init(limitBytes: 5)) == "one\nt")
  }

  @Test func aLineThatArrivesInPiecesIsShownOnce() {
    var formatter = ContainerLog.Formatter(selection: .init())
    #expect(formatter.first(Array(log[..<60])) == Array("one\n".utf8))
    #expect(formatter.next(Array(log[60...])) == Array("two\nthree\n".utf8))
  }

  @Test func framesAreTakenApartWhereverTheyAreCut() {
    var frames = StreamFrames(isRaw: false)
    let bytes: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 2, 65, 66, 2, 0, 0, 0, 0, 0, 0, 1, 67]
    var output: [StreamOutput] = []
    for byte in bytes { output += frames.take([byte]) }
    #expect(output == [.stdout([65, 66]), .stderr([67])])
  }

  @Test func addressesComeBackOnlyAfterAllOthers() {
    let pool = AddressPool(IPv4Network("10.1.0.0/29")!, reserved: 3)
    let taken = (0..<4).compactMap { _ in pool.take()?.description }
    #expect(taken == ["10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.6"])
    #expect(pool.take() == nil)
    pool.giveBack(IPv4Address("10.1.0.4")!)
    #expect(pool.take()?.description == "10.1.0.4")
  }
}
