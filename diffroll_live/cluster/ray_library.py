"""Ray, imported where it is needed and not before, and kept from telling anybody about it."""

from __future__ import annotations

import os
from types import ModuleType

from diffroll_live.errors import RequestError

#: What Ray reads when it is imported: nothing is reported to its makers.
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0"}


def require_ray() -> ModuleType:
    """Import Ray. Raises RequestError where it is not installed."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise RequestError("A cluster needs Ray: pip install 'diffroll-live[ray]'") from error
    return ray
