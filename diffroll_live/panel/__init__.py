"""The panel: the daemon in a browser, an ASGI app on its loop; each page is one more client of its handlers."""

from diffroll_live.panel.service import Panel

__all__ = ["Panel"]
