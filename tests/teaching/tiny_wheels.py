"""Wheels of a few hundred bytes, for tests of folders of wheels."""

import base64
import hashlib
import zipfile


def tiny_wheel(folder, name, version="1.0", *, requires=(), tag="py3-none-any", script=""):
    """Write a wheel with one module; with ``script``, also a command of the package's name."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    inside = f"{name}-{version}.dist-info"
    pure = str(tag.endswith("-none-any")).lower()
    files = {
        f"{name}.py": script or "VALUE = 1\n",
        f"{inside}/METADATA": "\n".join([*lines, ""]),
        f"{inside}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n",
    }
    if script:
        files[f"{inside}/entry_points.txt"] = f"[console_scripts]\n{name} = {name}:main\n"
    record = "".join(f"{path},{_hash(text)},{len(text)}\n" for path, text in files.items())
    files[f"{inside}/RECORD"] = f"{record}{inside}/RECORD,,\n"
    file = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return file


def _hash(text):
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
