"""Networks of others, at inference. Arrays in, nouns out; torch stays inside and is imported at the first call.

Weights come from a folder that the user names or from their hub, on the user's machine, with their own licence; nothing
of them ships here. Knows no stages and no training.
"""
