"""Training of the networks that ship: one readable file per network, one loop for all. Needs the extra ``train``.

In come folders of packed views (`shards`), out go checkpoints, a log, sample sheets and ONNX weights for `unflat.nets`.
Knows no doors.
"""
