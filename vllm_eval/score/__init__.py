"""Scores of anyone's per-clip predictions, read from a file: ``python -m vllm_eval.score``."""
