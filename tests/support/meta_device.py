"""A device without values: what computes on it alone can be captured."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

META = torch.device("meta")


class OnMetaAlone(TorchDispatchMode):
    """Refuses what touches anything but the device, or has to know a value that lies there."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        tensors = [each for each in tree_flatten((args, kwargs, out))[0] if isinstance(each, Tensor)]
        assert all(tensor.is_meta for tensor in tensors), f"{func} leaves the device"
        assert func not in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.is_nonzero.default), func
        return out
