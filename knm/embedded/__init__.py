"""What the embedded model and bench need of their own; nothing of the library imports it."""
