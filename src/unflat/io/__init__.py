"""Files to nouns and nouns to files. Knows no stages."""
