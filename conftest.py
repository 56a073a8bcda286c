"""Registers the bench's pytest plugin."""

pytest_plugins = ["knm.bench.plugin"]
