"""Open the zip files that ``torch.save`` writes, and read tensors from them without ``torch.load``.

The file is treated as hostile: every size that it declares is compared with its contents before memory is allocated.
What a checkpoint means is not known here.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from diffroll_live.errors import CheckpointError, FileError, FileMissing
from diffroll_live.model.checkpoints.inert_pickle import External, Made, Symbol, read_pickle

TENSOR_GLOBALS = frozenset({"torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"})
STORAGE_DTYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}
MAX_ENTRIES = 20_000
MAX_PICKLE_BYTES = 4 * 1024 * 1024  # a published file has a tenth of that, Adam's state included
_MAX_AXES = 8
_MAX_LENGTH = 2**40
_AGAIN = "download or copy it again"


class TorchZip:
    """An open checkpoint file; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` and check its shape. Raises FileMissing, FileError and CheckpointError."""
        self._path = path
        self._zip = _open(path)
        try:
            self._entries = self._checked_entries()
            self._root = self._find_root()
        except BaseException:
            self._zip.close()
            raise
        self._bytes_left = path.stat().st_size

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._zip.close()

    def read_object(self, allowed: Collection[str]) -> Any:
        """Read the saved object as inert data (``inert_pickle.read_pickle``). Raises CheckpointError."""
        if self._entries[f"{self._root}data.pkl"].file_size > MAX_PICKLE_BYTES:
            raise CheckpointError(f"{self._path} describes more objects than any checkpoint needs; it is refused.")
        return read_pickle(self._read("data.pkl"), {*allowed, *TENSOR_GLOBALS, *STORAGE_DTYPES})

    def tensor(self, made: Any) -> Tensor:
        """Read the tensor that ``made``, a value of ``read_object``, describes. Raises CheckpointError.

        All tensors together may not be larger than the file: nothing may be repeated or expanded.
        """
        if isinstance(made, Made) and str(made.symbol) == "torch._utils._rebuild_parameter" and made.args:
            made = made.args[0]
        if not isinstance(made, Made) or str(made.symbol) != "torch._utils._rebuild_tensor_v2" or len(made.args) < 4:
            raise CheckpointError(f"{self._path} has something other than a tensor where a tensor belongs.")
        external, offset, size, stride = made.args[:4]
        name, dtype, numel = self._storage(external)
        self._check_view(offset, size, stride, numel)
        self._bytes_left -= math.prod(size) * dtype.itemsize
        if self._bytes_left < 0:
            raise CheckpointError(f"{self._path} describes more numbers than it holds; it is refused.")
        storage = torch.frombuffer(bytearray(self._read(name)), dtype=dtype) if numel else torch.empty(0, dtype=dtype)
        return storage.as_strided(size, stride, offset).clone(memory_format=torch.contiguous_format)

    def _storage(self, external: Any) -> tuple[str, torch.dtype, int]:
        match external:
            case External(key=("storage", Symbol() as kind, str(key), str(), int(numel))):
                name, dtype = f"data/{key}", STORAGE_DTYPES.get(str(kind))
            case _:
                dtype = None
        if dtype is None:
            raise CheckpointError(f"{self._path} has a tensor without a readable storage.")
        entry = self._entries.get(self._root + name)
        if entry is None or entry.file_size != numel * dtype.itemsize:
            raise CheckpointError(f"In {self._path} the storage {key[:40]!a} is not of the declared size; {_AGAIN}.")
        return name, dtype, numel

    def _check_view(self, offset: Any, size: Any, stride: Any, numel: int) -> None:
        axes = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= _MAX_AXES
        if not axes or not all(isinstance(each, int) and 0 <= each <= _MAX_LENGTH for each in (offset, *size, *stride)):
            raise CheckpointError(f"{self._path} has a tensor of an impossible shape; it is refused.")
        last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
        if math.prod(size) and (last >= numel or math.prod(size) > numel):
            raise CheckpointError(f"{self._path} has a tensor of shape {size} that reaches beyond its storage.")

    def _checked_entries(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES or len({entry.filename for entry in entries}) < len(entries):
            raise CheckpointError(f"{self._path} has too many entries, or one twice; it is refused.")
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
            raise CheckpointError(f"{self._path} has compressed or encrypted entries, which torch.save never writes.")
        if sum(entry.file_size for entry in entries) > self._path.stat().st_size:
            raise CheckpointError(f"{self._path} declares more bytes than it contains; {_AGAIN}.")
        return {entry.filename: entry for entry in entries}

    def _find_root(self) -> str:
        pickles = [name for name in self._entries if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise CheckpointError(f"{self._path} is a zip file, but not one that torch.save wrote: it has no data.pkl.")
        root = pickles[0].removesuffix("data.pkl")
        if f"{root}byteorder" in self._entries and self._zip.read(f"{root}byteorder") != b"little":
            raise CheckpointError(f"{self._path} holds big-endian numbers; save it again on a little-endian machine.")
        return root

    def _read(self, name: str) -> bytes:
        try:
            return self._zip.read(self._root + name)
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
            raise CheckpointError(f"{self._path} is cut off or damaged at {name} ({error}); {_AGAIN}.") from error


def _open(path: Path) -> zipfile.ZipFile:
    if not path.exists():
        raise FileMissing(f"There is no file {path}; check the path.")
    if not path.is_file():
        raise FileError(f"{path} is not a file; name the checkpoint file itself.")
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise CheckpointError(
            f"{path} is not a checkpoint in PyTorch's zip format, or is cut off; {_AGAIN}. "
            "A file from before PyTorch 1.6 has to be loaded and saved once with a newer one."
        ) from error
    except OSError as error:
        raise FileError(f"Cannot read {path}: {error.strerror}.") from error
