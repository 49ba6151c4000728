"""Measured claims: one runnable file each, every run kept in ``results``."""
