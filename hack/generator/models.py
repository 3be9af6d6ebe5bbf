"""The Kubernetes API types in use, as Swift."""

from . import kinds, swift
from .sources import GeneratorError, KUBERNETES_VERSION, closure
from .swift import Field, Struct, SwiftType

FOLDER = "Sources/KubernetesModels/Generated"
SOURCE = f"the Kubernetes {KUBERNETES_VERSION} API schemas (Apache-2.0)"

# Types written by hand, and schemas without a shape.
HAND_WRITTEN = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "Quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "IntOrString",
    kinds.META + "Time": "Timestamp",
    kinds.META + "MicroTime": "MicroTime",
}

# Two types of one name in different groups, and DeleteOptions, whose name the client's own options have.
RENAMED = {
    "io.k8s.api.core.v1.Event": "CoreEvent",
    "io.k8s.api.core.v1.EventSeries": "CoreEventSeries",
    "io.k8s.api.core.v1.EndpointPort": "CoreEndpointPort",
    kinds.META + "DeleteOptions": "MetaDeleteOptions",
}

# An optional struct larger than this (bytes, estimated) is kept out of line.
LARGEST_INLINE = 72
# A union type such as Volume has so many alternatives that even small ones add up.
MOST_INLINE_STRUCTS = 8

# core/v1 is split by topic: the first row with a fitting start of a name takes the type, the last takes the rest.
CORE_TOPICS = [
    ("Event", "Event"),
    ("Service", "Service Endpoint LoadBalancer PortStatus ClientIP SessionAffinity Namespace"),
    ("Configuration", "ConfigMap Secret EnvVar EnvFrom KeyToPath FileKey ObjectFieldSelector ResourceFieldSelector"),
    ("PersistentVolumeClaim", "PersistentVolumeClaim ModifyVolume VolumeResource TypedObject TypedLocal"),
    (
        "Container",
        "Container EphemeralContainer Probe Lifecycle ExecAction HTTPGet HTTPHeader GRPC TCPSocket "
        "Sleep VolumeMount VolumeDevice Capabilities SecurityContext SELinux Seccomp AppArmor Windows "
        "ResourceRequirements ResourceStatus ResourceHealth ResourceClaim ImageVolumeStatus "
        "VolumeStatus LinuxContainer",
    ),
    (
        "Scheduling",
        "Affinity NodeAffinity NodeSelector PodAffinity PodAntiAffinity WeightedPod Preferred "
        "Toleration TopologySpread",
    ),
    ("Pod", "Pod Host LocalObject ObjectReference Sysctl NodeAllocatable"),
    ("Volume", ""),
]


class Models:
    def __init__(self, definitions):
        self.definitions = definitions
        self.names = closure(definitions, kinds.MODELS + kinds.MODEL_EXTRAS)
        self.structs = {}
        self._sizes = {}
        taken = {}
        for name in self.names:
            if name in HAND_WRITTEN or not definitions[name].get("properties"):
                continue
            struct = self._struct(name)
            if struct.name in taken:
                raise GeneratorError(f"{name} and {taken[struct.name]} have one name; rename one in models.RENAMED")
            taken[struct.name] = name
            self.structs[name] = struct
        self.by_swift_name = {struct.name: struct for struct in self.structs.values()}
        for struct in self.structs.values():
            self._mark_indirect(struct)

    def files(self):
        """Path → text, one file a group, core/v1 by topic."""
        groups = {}
        for name, struct in self.structs.items():
            groups.setdefault(self._file(name), []).append(struct)
        return {
            f"{FOLDER}/{file}.swift": render(structs, SOURCE) for file, structs in sorted(groups.items())
        }

    def swift_type(self, schema):
        """The Swift type of a property's schema."""
        if "$ref" in schema:
            name = schema["$ref"]
            if name in HAND_WRITTEN:
                return SwiftType.scalar(HAND_WRITTEN[name])
            if not self.definitions[name].get("properties"):
                return SwiftType.scalar("JSONValue")
            return SwiftType.struct(self._swift_name(name))
        kind = schema.get("type")
        if kind == "array":
            return SwiftType.array(self.swift_type(schema["items"]))
        if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            return SwiftType.map(self.swift_type(schema["additionalProperties"]))
        scalars = {"string": "String", "integer": "Int", "boolean": "Bool", "number": "Double"}
        return SwiftType.scalar(scalars.get(kind, "JSONValue"))

    @staticmethod
    def _swift_name(name):
        return RENAMED.get(name, name.rsplit(".", 1)[1])

    @staticmethod
    def _file(name):
        group, version, kind = kinds.group_folder(name)
        if group == "core":
            topic = next(topic for topic, starts in CORE_TOPICS if kind.startswith(tuple(starts.split()) or ""))
            return f"Core{topic}"
        return group.capitalize() + (version.upper() if group == "autoscaling" else "")

    def _struct(self, name):
        schema = self.definitions[name]
        required = set(schema.get("required", []))
        identities = schema.get("x-kubernetes-group-version-kind", [])
        kind = name.rsplit(".", 1)[1]
        properties = schema["properties"]
        is_object = bool(identities) and "kind" in properties and "apiVersion" in properties
        has_metadata = is_object and properties.get("metadata", {}).get("$ref") == kinds.META + "ObjectMeta"
        fields = []
        for wire_name in sorted(properties):
            if is_object and wire_name in ("apiVersion", "kind"):
                continue
            field = Field(
                wire_name,
                self.swift_type(properties[wire_name]),
                wire_name in required,
                swift.first_sentence(properties[wire_name].get("description")),
            )
            if has_metadata and wire_name == "metadata":
                field.default = "ObjectMeta()"
            fields.append(field)
        struct = Struct(self._swift_name(name), swift.first_sentence(schema.get("description")), fields)
        if is_object:
            group = identities[0]["group"] if has_metadata else ""
            version = identities[0]["version"] if has_metadata else "v1"
            struct.api_version = f"{group}/{version}" if group else version
            struct.kind = kind
            if has_metadata:
                namespaced = kind not in kinds.CLUSTER_SCOPED
                struct.resource_type = resource_type(group, version, kind, kinds.plural(kind), namespaced)
        return struct

    def _mark_indirect(self, struct):
        inner = [field for field in struct.fields if field.type.shape == "struct" and field.optional]
        is_union = len(inner) > MOST_INLINE_STRUCTS
        for field in inner:
            field.indirect = is_union or self._size(field.type.name, []) > LARGEST_INLINE

    def _size(self, name, open_names):
        """An estimate of a struct's bytes; a struct that contains itself is beyond any limit."""
        if name in self._sizes:
            return self._sizes[name]
        if name in open_names:
            return 10_000
        size = 0
        for field in self.by_swift_name[name].fields:
            if field.type.shape == "struct":
                inner = self._size(field.type.name, open_names + [name])
                size += 8 if field.optional and inner > LARGEST_INLINE else inner
            else:
                otherwise = 8 if field.type.element else 16
                size += {"Bool": 2, "Quantity": 32, "JSONValue": 24}.get(field.type.name, otherwise)
        if not open_names:
            self._sizes[name] = size
        return size


def resource_type(group, version, kind, plural, namespaced):
    scope = "" if namespaced else ", isNamespaced: false"
    return f'ResourceType(group: "{group}", version: "{version}", kind: "{kind}", plural: "{plural}"{scope})'


def render(structs, source, imports=()):
    lines = [swift.HEADER.format(source=source)]
    lines += [f"public import {module}" for module in imports] + ([""] if imports else [])
    for struct in structs:
        lines += swift.declaration(struct) + [""]
    return "\n".join(lines)
