"""The project's own material outside the package: problem sets and the scripts that make them."""
