"""Frozen values and their arrays in a folder, from which the arrays are mapped and not read.

The folder holds `arrays`, one file with every array at a multiple of 64 bytes, and `manifest`: a
line with the format and the SHA-256 of the rest, then JSON that says what the values are, where
their arrays lie, and the CRC-32 of every 32 MiB of `arrays`. Both find damage, not forgery:
whoever may write in the folder can write a manifest, too; CRC-32 is read three times as fast.
Nothing that is loaded is code: only the classes that the reader lists are made, from fields that
are arrays, numbers and strings.
"""

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

FORMAT: Final = 2
"""Raise it when what is saved, or what its arrays mean, is no longer the same."""
ARRAYS: Final = "arrays"
MANIFEST: Final = "manifest"
CHUNK: Final = 32 << 20
"""Bytes under one checksum: so that several processors check one large array."""
ALIGNED: Final = 64
_MAGIC: Final = "enmusubi-snapshot"


class SnapshotError(Exception):
    """A snapshot is missing, cut, damaged, or of another version: the message says which."""


Kinds = Mapping[str, Any]
"""The classes that may be saved and made, by their names."""


def save(folder: Path, value: object, kinds: Kinds, *, marks: Mapping[str, str]) -> None:
    """Write a value into a new folder, which appears whole or not at all.

    `marks` are what a reader must ask for, too. Raises FileExistsError if the folder is there, and
    TypeError if the value holds something that cannot be saved.
    """
    if folder.exists():
        raise FileExistsError(f"There is something at {folder} already.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    made.mkdir(mode=0o700)
    try:
        writer = _Writer(kinds)
        tree = writer.tree(value)
        places, size, sums = _write_arrays(made / ARRAYS, writer.arrays)
        body = json.dumps(
            {"marks": dict(marks), "tree": tree, "arrays": places, "size": size, "sums": sums}
        ).encode()
        line = f"{_MAGIC} {FORMAT} {sha256(body).hexdigest()}\n".encode()
        with _create(made / MANIFEST) as file:
            file.write(line + body)
            file.flush()
            os.fsync(file.fileno())
        _sync(made)
        made.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def load(folder: Path, kinds: Kinds, *, marks: Mapping[str, str], verify: bool) -> Any:
    """The value in a folder, its arrays mapped read-only.

    Raises SnapshotError. Without `verify` only the manifest and the sizes are checked, and `check`
    has still to say that the arrays are what was saved.
    """
    body = _manifest(folder)
    if body["marks"] != dict(marks):
        raise SnapshotError(f"{folder} was made otherwise: {body['marks']}, not {dict(marks)}.")
    mapped = _mapped(folder, body)
    if verify:
        _compare(folder, mapped, body["sums"])
    try:
        arrays = [_array(mapped, place) for place in body["arrays"]]
        return _value(body["tree"], arrays, kinds)
    except (LookupError, TypeError, ValueError) as error:
        raise SnapshotError(f"{folder} does not hold what it should: {error}") from error


def check(folder: Path) -> None:
    """Read all of it. Raises SnapshotError if a byte differs from what was saved."""
    body = _manifest(folder)
    _compare(folder, _mapped(folder, body), body["sums"])


@runtime_checkable
class _OfArrays(Protocol):
    """What says itself which arrays it is made of."""

    def arrays(self) -> Mapping[str, NDArray[Any]]: ...


class _Writer:
    """Turns a value into a tree for JSON, and collects its arrays, each once."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._number: dict[int, int] = {}
        self.arrays: list[NDArray[Any]] = []

    def tree(self, value: object) -> Any:
        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, np.ndarray):
            return {"array": self._place(value)}
        if isinstance(value, tuple):
            return {"tuple": [self.tree(each) for each in value]}
        if isinstance(value, frozenset):
            return {"set": sorted(value)}
        if isinstance(value, dict):
            return {"dict": [[self.tree(k), self.tree(v)] for k, v in value.items()]}
        return self._object(value)

    def _object(self, value: object) -> dict[str, Any]:
        name = type(value).__name__
        listed = self._kinds.get(name) is type(value)
        if listed and isinstance(value, _OfArrays):
            given = {each: self.tree(array) for each, array in value.arrays().items()}
            return {"class": name, "arrays": given}
        if listed and is_dataclass(value):
            held = {each.name: self.tree(getattr(value, each.name)) for each in fields(value)}
            return {"class": name, "fields": held}
        raise TypeError(f"A snapshot cannot hold a {name}.")

    def _place(self, array: NDArray[Any]) -> int:
        if id(array) not in self._number:
            self._number[id(array)] = len(self.arrays)
            self.arrays.append(array)  # kept, so that no other array gets its id
        return self._number[id(array)]


def _value(tree: Any, arrays: Sequence[NDArray[Any]], kinds: Kinds) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        return arrays[tree["array"]]
    if "tuple" in tree:
        return tuple(_value(each, arrays, kinds) for each in tree["tuple"])
    if "set" in tree:
        return frozenset(tree["set"])
    if "dict" in tree:
        return {_value(k, arrays, kinds): _value(v, arrays, kinds) for k, v in tree["dict"]}
    kind = kinds[tree["class"]]
    given = tree["arrays" if "arrays" in tree else "fields"]
    held = {name: _value(each, arrays, kinds) for name, each in given.items()}
    return kind.of(held) if "arrays" in tree else kind(**held)


def _write_arrays(
    path: Path, arrays: Sequence[NDArray[Any]]
) -> tuple[list[dict[str, Any]], int, list[int]]:
    """Where each array lies, the size of the file, and the checksums of its chunks."""
    places, size = [], 0
    with _create(path) as file:
        for array in arrays:
            size += -size % ALIGNED
            file.seek(size)
            flat = np.ascontiguousarray(array)
            file.write(flat.reshape(-1).view(np.uint8).data)
            places.append({"type": flat.dtype.str, "shape": list(flat.shape), "start": size})
            size += flat.nbytes
        file.truncate(size)
        file.flush()
        os.fsync(file.fileno())
    mapped = np.memmap(path, np.uint8, mode="r") if size else np.zeros(0, np.uint8)
    return places, size, _sums(mapped)


def _create(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        line, _, body = (folder / MANIFEST).read_bytes().partition(b"\n")
    except OSError as error:
        raise SnapshotError(f"{folder} has no manifest: {error.strerror}") from error
    words = line.decode("ascii", "replace").split(" ")
    if len(words) != 3 or words[0] != _MAGIC:
        raise SnapshotError(f"{folder} is no snapshot, or its manifest is damaged.")
    if words[1] != str(FORMAT):
        raise SnapshotError(f"{folder} is of format {words[1]!r}, and this program reads {FORMAT}.")
    if sha256(body).hexdigest() != words[2]:
        raise SnapshotError(f"The manifest of {folder} is damaged.")
    found: dict[str, Any] = json.loads(body)
    return found


def _mapped(folder: Path, body: Mapping[str, Any]) -> NDArray[np.uint8]:
    path = folder / ARRAYS
    try:
        size = path.stat().st_size
        if size != body["size"]:
            raise SnapshotError(f"{path} has {size} bytes and not {body['size']}.")
        if not size:
            return np.zeros(0, np.uint8)
        return np.asarray(np.memmap(path, np.uint8, mode="r"))
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error


def _array(mapped: NDArray[np.uint8], place: Mapping[str, Any]) -> NDArray[Any]:
    kind = np.dtype(place["type"])
    shape = tuple(place["shape"])
    start = int(place["start"])
    held = mapped[start : start + kind.itemsize * int(np.prod(shape, dtype=np.int64))]
    found: NDArray[Any] = held.view(kind).reshape(shape)
    return found


def _compare(folder: Path, mapped: NDArray[np.uint8], sums: Sequence[int]) -> None:
    if _sums(mapped) != list(sums):
        raise SnapshotError(f"The arrays of {folder} are damaged.")


def _sums(mapped: NDArray[np.uint8]) -> list[int]:
    chunks = [mapped[start : start + CHUNK] for start in range(0, len(mapped), CHUNK)]
    with ThreadPoolExecutor(min(len(chunks), os.cpu_count() or 1) or 1) as pool:
        # While it adds up a chunk, other threads may run.
        return list(pool.map(lambda chunk: crc32(chunk.data), chunks))
