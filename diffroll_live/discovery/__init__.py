"""The daemon found by hosts and controllers: OSCQuery says what there is, mDNS says where. Changes nothing."""

from diffroll_live.discovery.service import Discovery

__all__ = ["Discovery"]
