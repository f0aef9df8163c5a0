"""The program's entry: hands the command line to `diffroll_live.cli`, on a Python that can run it."""

from __future__ import annotations

import sys

from diffroll_live.cli import exit_codes

SUPPORTED = ((3, 11), (3, 12))


def main() -> None:
    """Run the command line and exit with its code (see ``cli.exit_codes``)."""
    if sys.version_info[:2] not in SUPPORTED:
        print(refusal(sys.version_info[:2]), file=sys.stderr)  # noqa: T201 - nothing else is installed beside this Python
        sys.exit(exit_codes.UNWELL)
    from diffroll_live.cli.app import run

    sys.exit(run(sys.argv[1:]))


def refusal(version: tuple[int, int]) -> str:
    """Say how to get a Python that works. The wheel installs on later ones too, alone, so that somebody can say it."""
    major, minor = version
    return (
        f"Error: diffroll-live needs Python 3.11 or 3.12, and this is Python {major}.{minor}. This command fetches "
        "one that works ('pip install uv' brings uv):\n  uv tool install --python 3.12 diffroll-live"
    )


if __name__ == "__main__":
    main()
