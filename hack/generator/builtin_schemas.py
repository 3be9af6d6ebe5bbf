"""The schemas of the built-in kinds for the sandbox's API server, as JSON in string literals."""

import json

from . import kinds, swift
from .models import SOURCE
from .sources import closure

FOLDER = "Sources/SandboxCluster/Schema/Generated"

# Formats of the two scalar types that accept a number or a text, as the API server publishes them.
SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
}


def files(definitions):
    """Path → text. Definitions are one a line, name and JSON divided by a tab, in one literal a group."""
    groups = {}
    for name in closure(definitions, kinds.MODELS + kinds.MODEL_EXTRAS + kinds.SCHEMAS_ONLY):
        schema = dict(_published(definitions[name]), **SCALARS.get(name, {}))
        text = json.dumps(schema, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        group = "machinery" if name.startswith("io.k8s.apimachinery") else kinds.group_folder(name)[0]
        groups.setdefault(group, []).append(f"{name}\t{text}")
    result = {}
    for group, lines in sorted(groups.items()):
        content = "\n".join(lines)
        hashes = "#"
        while f'"""{hashes}' in content or f"\\{hashes}" in content:
            hashes += "#"
        result[f"{FOLDER}/BuiltinSchemas+{group.capitalize()}.swift"] = (
            swift.HEADER.format(source=SOURCE)
            + f"// swift-format-ignore-file\n\nextension BuiltinSchemas {{\n"
            + f'  static let {group} = {hashes}"""\n{content}\n"""{hashes}\n}}\n'
        )
    names = "".join(f"    {group},\n" for group in sorted(groups))
    result[f"{FOLDER}/BuiltinSchemas.swift"] = (
        swift.HEADER.format(source=SOURCE)
        + """
/// The schemas of the built-in kinds and of all types that they refer to.
enum BuiltinSchemas {
  /// Full name, such as io.k8s.api.core.v1.PodSpec, and schema; references read "#/components/schemas/<name>".
  static let definitions: [(name: String, json: String)] = groups.flatMap { group in
    group.utf8.split(separator: UInt8(ascii: "\\n")).map { line in
      let name = line.prefix { $0 != UInt8(ascii: "\\t") }
      return (name: String(Substring(name)), json: String(Substring(line.dropFirst(name.count + 1))))
    }
  }

  private static let groups = [
"""
        + names
        + "  ]\n}\n"
    )
    return result


def _published(node, is_properties=False):
    """A schema as the API server publishes it: full references, and no enumeration of apiVersion and kind."""
    if isinstance(node, list):
        return [_published(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        if key == "$ref" and isinstance(value, str):
            result[key] = "#/components/schemas/" + value
        elif is_properties and key in ("apiVersion", "kind") and isinstance(value, dict):
            result[key] = {name: part for name, part in value.items() if name != "enum"}
        else:
            result[key] = _published(value, is_properties=key == "properties" and isinstance(value, dict))
    return result
