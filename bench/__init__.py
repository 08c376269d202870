"""The performance and fault rigs: `python -m bench`."""
