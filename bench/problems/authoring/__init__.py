"""Source of the hand-written problems; `python -m bench.problems.authoring.build` builds them."""
