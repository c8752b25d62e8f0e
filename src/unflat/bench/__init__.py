"""Measurements that anyone can repeat: `unflat bench …`."""
