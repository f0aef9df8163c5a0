"""Ableton Live from outside: a stock AbletonOSC is driven, or our Remote Script is asked.

Runs in a client, never in the daemon; knows nothing of asyncio or torch.
"""
