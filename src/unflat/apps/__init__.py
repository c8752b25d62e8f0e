"""The doors. Each is plan + run and holds no logic of its own."""
