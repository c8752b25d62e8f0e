"""Check: measured facts about an asset, and whether they are good enough for a target (game, ar, print, web)."""
