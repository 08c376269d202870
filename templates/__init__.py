"""Every word a person reads, and every file WhaleRay generates (Jinja2)."""
