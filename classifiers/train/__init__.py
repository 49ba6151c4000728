"""python -m classifiers.train: train one classifier."""
