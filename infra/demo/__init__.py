"""The demonstration: a sandbox GitHub, the real bot, and the story of a first day, told in the terminal."""
