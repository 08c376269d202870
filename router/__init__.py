"""The router: one nginx, and the DNS that tells it where services are. It imports nothing of the bot."""
