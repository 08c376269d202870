"""GitHub through githubkit, behind `bot.ports.GitHub`."""
