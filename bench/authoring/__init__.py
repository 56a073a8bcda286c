"""Source of the hand-written problems; `python -m bench.authoring.build` builds them."""
