"""The custom resources of crds/*.yaml, as Swift.

Conventions for a schema's author:
- Object types are named by their path: spec.postgres.storage is PostgresStorageSpec, an item of status.postgres.members
  is PostgresMemberStatus, spec itself <Kind>Spec. Kinds other than RTXPlatform put their own name first.
- A description with "Kubernetes type: ResourceRequirements." makes the property that type of KubernetesModels. On a
  list it says so of the items, and may be written with brackets: "Kubernetes type: [Toleration]."; on a map, of the
  values.
- A property with a default is never nil in Swift, and reads as its default where it is absent.
- A required property is never nil; all others are optional.
- x-kubernetes-int-or-string is IntOrString, format date-time is Timestamp, x-kubernetes-preserve-unknown-fields
  and objects without properties are JSONValue.
"""

import re

from . import swift
from .models import render, resource_type
from .sources import GeneratorError, yaml_documents
from .swift import Field, Struct, SwiftType

FOLDER = "Sources/RTXPlatformAPI/Generated"
SHORT_NAMED_KIND = "RTXPlatform"
MARKER = re.compile(r"\s*Kubernetes type: \[?(\w+)\]?\.")
# The conditions of a status are meta/v1's wherever their items have these fields.
CONDITION_FIELDS = {"type", "status", "reason", "message", "lastTransitionTime"}


def files(folder, kubernetes):
    """Path → text, one file a kind."""
    result = {}
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
        for document in yaml_documents(path):
            if document.get("kind") != "CustomResourceDefinition":
                continue
            kind = document["spec"]["names"]["kind"]
            result[f"{FOLDER}/{kind}.swift"] = _Resource(document, kubernetes, path.name).text()
    return result


class _Resource:
    def __init__(self, definition, kubernetes, file_name):
        self.kubernetes = kubernetes
        self.file_name = file_name
        self.spec = definition["spec"]
        self.kind = self.spec["names"]["kind"]
        self.structs = {}

    def text(self):
        version = next((version for version in self.spec["versions"] if version.get("storage")), None)
        if version is None:
            raise GeneratorError(f"{self.file_name}: no version has storage: true")
        schema = version["schema"]["openAPIV3Schema"]
        root = self._root(schema, version["name"])
        structs = [root] + list(self.structs.values())
        return render(structs, f"crds/{self.file_name}", imports=["KubernetesModels"])

    def _root(self, schema, version):
        group = self.spec["group"]
        fields = [Field("metadata", SwiftType.struct("ObjectMeta"), False, "", "ObjectMeta()")]
        for name in sorted(schema["properties"]):
            if name in ("apiVersion", "kind", "metadata"):
                continue
            fields.append(self._field([name], schema["properties"][name], name in schema.get("required", [])))
        for field in fields:
            if field.wire_name == "spec" and field.default is None:
                field.required = True
        struct = Struct(self.kind, self._doc(schema), fields, f"{group}/{version}", self.kind)
        names = self.spec["names"]
        namespaced = self.spec["scope"] == "Namespaced"
        struct.resource_type = resource_type(group, version, self.kind, names["plural"], namespaced)
        return struct

    def _field(self, path, schema, required):
        type = self._type(path, schema)
        default = self._literal(schema["default"], type, path) if "default" in schema else None
        field = Field(path[-1], type, required, self._doc(schema), default)
        field.indirect = type.shape == "struct" and field.optional and len(path) > 1
        return field

    @staticmethod
    def _doc(schema):
        return swift.first_sentence(MARKER.sub("", schema.get("description", "")).strip())

    def _type(self, path, schema):
        marker = MARKER.search(schema.get("description", ""))
        kind = schema.get("type")
        if kind == "array":
            return SwiftType.array(self._marked(marker, path) or self._item_type(path, schema["items"]))
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            return SwiftType.map(self._marked(marker, path) or self._item_type(path, values))
        if marker:
            return self._marked(marker, path)
        if schema.get("x-kubernetes-int-or-string"):
            return SwiftType.scalar("IntOrString")
        if kind == "object" and schema.get("properties"):
            return self._object(path, schema)
        if kind == "string" and schema.get("format") == "date-time":
            return SwiftType.scalar("Timestamp")
        scalars = {"string": "String", "integer": "Int", "boolean": "Bool", "number": "Double"}
        return SwiftType.scalar(scalars.get(kind, "JSONValue"))

    def _item_type(self, path, schema):
        if CONDITION_FIELDS <= set(schema.get("properties", {})):
            return SwiftType.struct("Condition")
        return self._type(path[:-1] + [_singular(path[-1])], schema)

    def _marked(self, marker, path):
        if not marker:
            return None
        name = marker.group(1)
        if name in self.kubernetes.by_swift_name:
            return SwiftType.struct(name)
        if name in ("Quantity", "IntOrString", "Timestamp", "MicroTime", "JSONValue"):
            return SwiftType.scalar(name)
        raise GeneratorError(f"{self.file_name}: {'.'.join(path)}: KubernetesModels has no type {name}")

    def _object(self, path, schema):
        name = self._name(path)
        if name in self.structs:
            raise GeneratorError(f"{self.file_name}: two objects would be named {name}; one is {'.'.join(path)}")
        struct = Struct(name, self._doc(schema), [])
        self.structs[name] = struct
        required = schema.get("required", [])
        for property in sorted(schema["properties"]):
            field = self._field(path + [property], schema["properties"][property], property in required)
            struct.fields.append(field)
        return SwiftType.struct(name)

    def _name(self, path):
        middle = "".join(part[0].upper() + part[1:] for part in map(_plain_name, path[1:]))
        suffix = path[0][0].upper() + path[0][1:]
        if not middle:
            return self.kind + suffix
        name = middle + suffix
        if self.kind != SHORT_NAMED_KIND or name in self.kubernetes.by_swift_name:
            return self.kind + name
        return name

    def _literal(self, value, type, path):
        """A default of the schema as a Swift expression."""
        where = f"{self.file_name}: {'.'.join(path)}"
        if type.shape == "array":
            return "[" + ", ".join(self._literal(item, type.element, path) for item in value) + "]"
        if type.shape == "map":
            return _dictionary((key, self._literal(value[key], type.element, path)) for key in sorted(value))
        if type.shape == "struct":
            struct = self.structs.get(type.name) or self.kubernetes.by_swift_name[type.name]
            known = {field.wire_name for field in struct.fields}
            if set(value) - known:
                raise GeneratorError(f"{where}: the default has fields that the schema does not: {set(value) - known}")
            arguments = []
            for field in struct.fields:
                if field.wire_name in value:
                    inner = self._literal(value[field.wire_name], field.type, path + [field.wire_name])
                    arguments.append(f"{field.name.strip('`')}: {inner}")
                elif field.required and field.default is None:
                    raise GeneratorError(f"{where}: the default lacks the required field {field.wire_name}")
            return f"{type.name}({', '.join(arguments)})"
        if type.name == "Timestamp" or type.name == "MicroTime":
            raise GeneratorError(f"{where}: a time cannot have a default")
        return _json_literal(value)


def _json_literal(value):
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return swift.string_literal(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_json_literal, value)) + "]"
    if isinstance(value, dict):
        return _dictionary((key, _json_literal(value[key])) for key in sorted(value))
    return str(value)


def _dictionary(items):
    return "[" + (", ".join(f"{swift.string_literal(key)}: {value}" for key, value in items) or ":") + "]"


def _plain_name(part):
    return swift.swift_name(part).strip("`")


def _singular(name):
    """members → member, policies → policy; a name that is no plural gets Item."""
    if name.endswith("ies"):
        return name[:-3] + "y"
    if name.endswith("sses"):
        return name[:-2]
    if name.endswith("s") and not name.endswith("ss"):
        return name[:-1]
    return name + "Item"
