"""Little worlds with exactly known truth: solids, cameras, renders.

Serves tests, bench and training alike. Knows no stages.
"""
