"""Where the address of the running panel is kept for this user's other programs, for as long as the panel runs."""

from __future__ import annotations

import contextlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS = 2.0  # that a panel is given to answer


def address_file() -> Path:
    """Name the file; it holds a token, so only its user may read it."""
    return Path.home() / ".diffroll-live" / "panel"


@contextmanager
def kept_address(address: str) -> Iterator[None]:
    """Keep an address until the end; where there is no home, or none that can be written, keep none."""
    path: Path | None = None
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: there is no home
        path = address_file()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(address, encoding="utf-8")
        draft.replace(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path is not None and path.read_text(encoding="utf-8") == address:
                path.unlink()


def read_address() -> str | None:
    """Return the address of a panel that answers with that token; None when there is none."""
    try:
        address = address_file().read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError):
        return None
    page, _, token = address.partition("#")
    try:
        asked = urllib.request.Request(  # noqa: S310 - our own file names it
            f"{page}midi/read", data=b"", headers={"Authorization": f"Bearer {token}"}
        )
        urllib.request.urlopen(asked, timeout=_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        return address if error.code == 400 else None  # the token is right, and an empty file is no MIDI file
    except (OSError, ValueError):
        return None
    return address
