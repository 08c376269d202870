"""What WhaleRay knows and decides. I/O lives in `infra`; the words people read live in `templates`."""
