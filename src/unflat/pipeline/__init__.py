"""Recipe, plan, run, run folder, provenance. Knows no door."""
