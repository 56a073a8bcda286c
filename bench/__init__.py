"""The bench's test, and the source of the hand-written problems that the package holds."""
