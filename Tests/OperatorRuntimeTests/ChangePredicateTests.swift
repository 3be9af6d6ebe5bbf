import KubernetesModels
import Testing

@testable import OperatorRuntime

@Suite struct ChangePredicateTests {
  static func object(
    generation: Int = 1, labels: [String: String]? = nil, annotations: [String: String]? = nil, isDeleted: Bool = false
  ) -> Deployment {
    Deployment(
      metadata: ObjectMeta(
        annotations: annotations, deletionTimestamp: isDeleted ? .now : nil, generation: generation, labels: labels,
        name: "a"))
  }

  static func update(to new: Deployment) -> StoreChange<Deployment> { .updated(old: object(), new: new) }

  typealias Predicate = ChangePredicate<Deployment>

  @Test func eachLooksAtItsPart() {
    let status = Self.update(to: Self.object())
    let spec = Self.update(to: Self.object(generation: 2))
    let labels = Self.update(to: Self.object(labels: ["a": "b"]))
    let annotations = Self.update(to: Self.object(annotations: ["a": "b"]))
    let deletion = Self.update(to: Self.object(isDeleted: true))
    let all = [status, spec, labels, annotations, deletion]
    #expect(all.map(Predicate.generationChanged.matches) == [false, true, false, false, true])
    #expect(all.map(Predicate.labelsChanged.matches) == [false, false, true, false, false])
    #expect(all.map(Predicate.annotationsChanged.matches) == [false, false, false, true, false])
    #expect(all.map(Predicate.any.matches) == [true, true, true, true, true])
  }

  @Test func additionsAndDeletionsPassWhateverChanged() {
    for change in [StoreChange.added(Self.object()), .deleted(Self.object())] {
      #expect(Predicate.generationChanged.matches(change))
      #expect(Predicate.labelsChanged.matches(change))
    }
    #expect(Predicate.deleted.matches(.deleted(Self.object())))
    #expect(!Predicate.deleted.matches(.added(Self.object())))
  }

  @Test func combine() {
    let spec = Self.update(to: Self.object(generation: 2))
    let both = Self.update(to: Self.object(generation: 2, labels: ["a": "b"]))
    #expect(!Predicate.generationChanged.and(.labelsChanged).matches(spec))
    #expect(Predicate.generationChanged.and(.labelsChanged).matches(both))
    #expect(Predicate.labelsChanged.or(.generationChanged).matches(spec))
    #expect(!(!Predicate.generationChanged).matches(spec))
    #expect(Predicate.object { $0.metadata.generation == 2 }.matches(spec))
  }
}
