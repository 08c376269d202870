"""One machine: SQLite for what is stored, processes for what runs."""
