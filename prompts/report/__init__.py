"""A run told to somebody who has never seen this project: one HTML file, or tables for a paper."""
