"""What the inference process needs to make its engine: small, picklable, and quick to import."""

from __future__ import annotations

from dataclasses import dataclass

from diffroll_live.types import Engine

#: What the engine begins with: torch, which is most of what a start takes.
IMPORTS = ("diffroll_live.engine.loading",)


@dataclass(frozen=True, slots=True)
class EngineFactory:
    """Makes the engine when called; torch is imported only then."""

    model: str | None  # None is the default model
    device: str
    threads: int | None  # None leaves the number to measurement
    precision: str = "auto"

    def __call__(self) -> Engine:
        """Load the model and warm it. Raises errors.CheckpointError."""
        from diffroll_live.engine.loading import load_engine

        return load_engine(self.model, self.device, self.threads, precision=self.precision)
