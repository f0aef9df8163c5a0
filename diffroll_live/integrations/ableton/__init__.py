"""Ableton Live controlled from outside, through a stock AbletonOSC or our own Remote Script.

Runs in a client, never in the daemon; knows nothing of asyncio or torch.
"""
