"""Keeps shared loops running when they fail for one client: the failure is logged and reported to that client."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from diffroll_live.errors import DiffrollError, InternalError

logger = logging.getLogger(__name__)


@contextmanager
def surviving(what: str, tell: Callable[[DiffrollError], None] = lambda _: None) -> Iterator[None]:
    """Log any exception of the body as a failure of ``what``, hand it to ``tell`` as an error, and go on after it.

    An error of `errors` is handed over as it is and logged only for debugging: it is not the daemon's fault.
    """
    try:
        yield
    except DiffrollError as error:
        logger.debug("%s: %s", what, error.text)
        _tell(what, tell, error)
    except Exception as error:
        logger.exception("%s failed", what)
        _tell(what, tell, InternalError(f"The daemon failed ({error}); its log has the details."))


def _tell(what: str, tell: Callable[[DiffrollError], None], error: DiffrollError) -> None:
    try:
        tell(error)
    except Exception:
        logger.exception("%s failed, and nobody could be told", what)
