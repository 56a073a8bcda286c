"""The embedded problem set: built files and, in `authoring`, their source."""
