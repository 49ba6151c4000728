"""Frames, person masks and labels for classifiers, and what is done to them before training."""
