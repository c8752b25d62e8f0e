"""The web door: `/v1`, pages of the studio, and the task APIs that Tripo's and Meshy's clients speak.

In: HTTP. Out: JSON, files, events. It turns requests into orders for `apps.jobs` and holds no logic of the engine;
what the engine does happens in worker processes.
"""
