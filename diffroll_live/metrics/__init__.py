"""The daemon's numbers for Prometheus: reads its reports, changes nothing."""

from diffroll_live.metrics.service import Metrics

__all__ = ["Metrics"]
