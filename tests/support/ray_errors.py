"""Errors of Ray for tests; to import it warns of its own libraries."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ray.exceptions import ActorDiedError
    from ray.serve.exceptions import BackPressureError

__all__ = ["ActorDiedError", "BackPressureError"]
