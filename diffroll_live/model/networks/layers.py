"""Layers over time that make up the compact network; no pitch, no roll."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Root-mean-square norm over the channels of each frame, so that no frame depends on a distant one."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (batch, width, n_frames)."""
        scale = torch.rsqrt(x.float().square().mean(dim=1, keepdim=True) + 1e-6)
        return x * scale.to(x.dtype) * self.gain.to(x.dtype)


class Block(nn.Module):
    """A gated residual convolution over time; (batch, width, n_frames) to the same."""

    def __init__(self, width: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        padding = dilation * (kernel_size // 2)
        self.conv = nn.Conv1d(width, 2 * width, kernel_size, padding=padding, dilation=dilation)
        self.out = nn.Conv1d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """Add the block's residual; ``shift`` (batch, width, 1) is the time embedding."""
        h = self.norm(x)
        if shift is not None:
            h = h + shift
        value, gate = self.conv(h).chunk(2, dim=1)
        return x + self.out(value * nn.functional.silu(gate))


class Context(nn.Module):
    """Attention over the window, an eighth of a second at a time, for long-range context such as the key."""

    def __init__(self, width: int, frames: int, heads: int = 4) -> None:
        super().__init__()
        self.frames, self.heads = frames, heads
        self.norm = ChannelNorm(width)
        self.enter = nn.Conv1d(width, 3 * width, 1)
        self.leave = nn.Conv1d(width, width, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, width, n_frames) to the same; frames are averaged ``frames`` at a time."""
        batch, width, n_frames = x.shape
        pooled = nn.functional.avg_pool1d(self.norm(x), self.frames, ceil_mode=True)
        split = self.enter(pooled).view(batch, 3, self.heads, width // self.heads, -1).transpose(3, 4)
        mixed = nn.functional.scaled_dot_product_attention(split[:, 0], split[:, 1], split[:, 2])
        h = self.leave(mixed.transpose(2, 3).reshape(batch, width, -1))
        return x + h.repeat_interleave(self.frames, dim=2)[:, :, :n_frames]
