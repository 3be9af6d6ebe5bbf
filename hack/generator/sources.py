"""Where the schemas come from: the PyPI package kubernetes-validate, and YAML files of this repository."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

PACKAGES = ["kubernetes-validate==1.37.0", "PyYAML==6.0.3"]
KUBERNETES_VERSION = "v1.36.0"


class GeneratorError(Exception):
    """Says what is wrong with the input and what to do."""


def definitions():
    """The definitions of the Kubernetes API by their full name, with nullable types and references made plain."""
    base = "kubernetes_validate/kubernetes-json-schema"
    path = _packages() / base / f"{KUBERNETES_VERSION}-local" / "_definitions.json"
    raw = json.loads(path.read_text())["$defs"]
    return {name: _plain(schema) for name, schema in raw.items()}


def yaml_documents(path):
    """The documents of a YAML file."""
    packages = str(_packages())
    if packages not in sys.path:
        sys.path.insert(0, packages)
    import yaml

    with open(path) as file:
        return [document for document in yaml.safe_load_all(file) if document]


def _packages():
    """The folder with the unpacked packages, filled on first use by the pip of a virtual environment: Debian's own Python
    has none."""
    own = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rtx-platform"
    cache = pathlib.Path(os.environ.get("RTX_CACHE") or own)
    folder = cache / "generator" / "-".join(PACKAGES).replace("==", "-")
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    print("fetching", *PACKAGES, file=sys.stderr)
    with tempfile.TemporaryDirectory() as environment:
        python = pathlib.Path(environment) / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder, *PACKAGES]
        for command in ([sys.executable, "-m", "venv", environment], install):
            if subprocess.run(command).returncode != 0:
                raise GeneratorError(
                    "pip could not install " + " ".join(PACKAGES) + "; is python3-venv there, and a network?")
    (folder / "complete").touch()
    return folder


def _plain(node):
    """Undoes what a validator needs: ["string", "null"] is "string", and a reference names its definition."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        if key == "type" and isinstance(value, list):
            types = [item for item in value if item != "null"]
            result[key] = types[0] if len(types) == 1 else types
        elif key == "$ref" and isinstance(value, str):
            result[key] = value.removeprefix("#/$defs/")
        else:
            result[key] = _plain(value)
    return result


def references(node):
    """Every definition name that a schema refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def closure(definitions, roots):
    """The roots and all that they refer to, in order of name."""
    found = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in definitions:
            raise GeneratorError(f"{name} is not among the definitions of Kubernetes {KUBERNETES_VERSION}")
        found.add(name)
        waiting.extend(references(definitions[name]))
    return sorted(found)
