"""Adapters: everything WhaleRay talks to, behind the ports of `bot.ports`."""
