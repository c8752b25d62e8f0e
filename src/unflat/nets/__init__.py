"""Networks at inference, ours and those of others. Arrays in, nouns out; libraries are imported at the first call.

Our weights lie in ``weights/``, each with a card that tells its hash, licence and source. Those of others come from a
folder that the user names or from their hub, on the user's machine, with their own licence; nothing of them ships here.
Knows no stages and no training.
"""
