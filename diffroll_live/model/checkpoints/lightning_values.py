"""The globals that a PyTorch Lightning checkpoint may name, and its settings as plain values. No tensors, no files.

The contents of OmegaConf's nodes are read from the fields that hold them; OmegaConf itself is never imported.
"""

from __future__ import annotations

from typing import Any

from diffroll_live.errors import CheckpointError
from diffroll_live.model.checkpoints.inert_pickle import Made

_MAPPINGS = frozenset(
    {
        "collections.OrderedDict",
        "collections.defaultdict",
        "pytorch_lightning.utilities.parsing.AttributeDict",
        "lightning_fabric.utilities.data.AttributeDict",
        "lightning.fabric.utilities.data.AttributeDict",
    }
)
# The field of the state in which each kind of OmegaConf node keeps its contents.
_CONTENT_FIELDS = {
    "omegaconf.dictconfig.DictConfig": "_content",
    "omegaconf.listconfig.ListConfig": "_content",
    "omegaconf.nodes.AnyNode": "_val",
    "omegaconf.nodes.BooleanNode": "_val",
    "omegaconf.nodes.FloatNode": "_val",
    "omegaconf.nodes.IntegerNode": "_val",
    "omegaconf.nodes.StringNode": "_val",
    "omegaconf.nodes.PathNode": "_val",
}
_TYPES = ("bool", "dict", "float", "int", "list", "long", "set", "str", "tuple")
_MENTIONED = frozenset(
    {
        "omegaconf.base.ContainerMetadata",
        "omegaconf.base.Metadata",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "torch.Size",
        "torch.device",
        "typing.Any",
        "typing.Optional",
        "typing.Union",
        *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _TYPES),
    }
)
ALLOWED = _MAPPINGS | _CONTENT_FIELDS.keys() | _MENTIONED
_MAX_DEPTH = 32
_MAX_VALUES = 100_000


def as_mapping(raw: Any) -> dict[Any, Any] | None:
    """Return the items of a dict or of an object that represents one; None for anything else."""
    if isinstance(raw, Made) and str(raw.symbol) in _MAPPINGS:
        return raw.items
    return raw if isinstance(raw, dict) else None


def plain_value(raw: Any) -> Any:
    """Turn what ``inert_pickle.read_pickle`` returned into dicts with text keys, lists, scalars and text.

    Any other object becomes the name of its type in angle brackets. Raises CheckpointError when there are too many
    values: a few shared parts of a pickle can expand without end.
    """
    return _Unfolding().value(raw, 0)


class _Unfolding:
    """Counts the values made so far."""

    def __init__(self) -> None:
        self._left = _MAX_VALUES

    def value(self, raw: Any, depth: int) -> Any:
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            raise CheckpointError("The checkpoint's hyperparameters are nested too deeply, or too many; it is refused.")
        if isinstance(raw, Made):
            raw = _content(raw)
        if isinstance(raw, dict):
            return {str(key): self.value(each, depth + 1) for key, each in raw.items()}
        if isinstance(raw, list | tuple | set | frozenset):
            return [self.value(each, depth + 1) for each in raw]
        if raw is None or isinstance(raw, bool | int | float | str):
            return raw
        return f"<{raw.symbol if isinstance(raw, Made) else type(raw).__name__}>"


def _content(made: Made) -> Any:
    kind = str(made.symbol)
    if kind in _MAPPINGS:
        return made.items
    if kind in _CONTENT_FIELDS and isinstance(made.state, dict):
        return made.state.get(_CONTENT_FIELDS[kind])
    return f"<{kind}>"
