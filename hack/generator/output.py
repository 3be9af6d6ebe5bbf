"""Formats the generated files and writes those that changed."""

import subprocess
import tempfile
import pathlib

from .sources import GeneratorError


def write(root, files, configuration, check):
    """Brings the folders of `files` (path below root → text) up to date, and returns the paths that were stale.

    A file in a generated folder that is not in `files` any more is stale, too, and removed.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        formatted = []
        for path, text in files.items():
            target = scratch / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            if "swift-format-ignore-file" not in text[:400]:
                formatted.append(str(target))
        command = ["swift", "format", "format", "--in-place", "--parallel", "--configuration", str(configuration)]
        if formatted and subprocess.run(command + formatted).returncode != 0:
            raise GeneratorError("swift format refused a generated file")
        stale = []
        for path in sorted(files):
            new = (scratch / path).read_text()
            target = root / path
            if target.exists() and target.read_text() == new:
                continue
            stale.append(path)
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(new)
        for folder in sorted({str(pathlib.PurePath(path).parent) for path in files}):
            for leftover in sorted((root / folder).glob("*.swift")):
                path = f"{folder}/{leftover.name}"
                if path not in files:
                    stale.append(path)
                    if not check:
                        leftover.unlink()
        return stale
