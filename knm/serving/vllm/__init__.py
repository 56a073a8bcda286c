"""A datastore behind the head of a model that vLLM serves: `vllm serve MODEL` becomes corrected.

vLLM loads `knm.serving.vllm.plugin:register` in each of its processes (`vllm.general_plugins`).
Importing this package loads neither vLLM nor a model library.
"""
