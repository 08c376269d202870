"""One module per event. A handler decides what the event means and delegates to `bot.deployments`."""
