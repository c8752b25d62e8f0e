"""Check: measured facts about an asset, and whether they are good enough for a target (game, ar, print, web).

In: an asset, ours or anyone's (open, unscaled, without UV, many parts). Out: a `QualityReport` with findings.
`measure.py` measures, `targets.py` holds the targets' numbers as data, `rules.py` turns facts into findings, `gate.py`
does all of it, `describe.py` puts it into words and JSON. Nothing here changes the asset.
"""
