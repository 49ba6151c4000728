"""What is looked at: clips, datasets, decoding, compositing, the mini benchmark."""
