"""The `process` engine: builds and applications as processes of this machine, detached from the bot.

Nothing is imported here: the runner and the supervisor start as processes of their own, and start fast.
"""
