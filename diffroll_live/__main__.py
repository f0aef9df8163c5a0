"""The program's entry: hands the command line to `diffroll_live.cli`."""

from __future__ import annotations

import sys

from diffroll_live.cli.app import run


def main() -> None:
    """Run the command line and exit with its code (see ``cli.exit_codes``)."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
