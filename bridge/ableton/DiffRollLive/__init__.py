"""DiffRollLive: a Remote Script for Ableton Live that hands clips to the diffroll-live daemon and takes notes back.

Pure standard library, no threads; its syntax is that of Python 3.7, which Live 11 and 12.0 embed.
"""

# ruff: noqa: N999 - Live shows the folder's name to its users

from __future__ import annotations

from typing import Any

from .version import VERSION

__all__ = ["VERSION", "create_instance"]


def create_instance(c_instance: Any) -> Any:
    """Make the control surface; Live calls this when the script is chosen in its settings."""
    from .surface import DiffRollLive

    return DiffRollLive(c_instance)
