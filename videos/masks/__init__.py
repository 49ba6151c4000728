"""Person masks of any data set: found by a detector, followed by SAM2, kept in HAT's format.

``python -m videos segment CONFIG``. ``detectors.DETECTORS`` and ``followers.FOLLOWERS`` name the backends, a
file each; ``cut`` is what happens to one clip, ``run`` to a data set, ``kept`` what is left of it.
"""
