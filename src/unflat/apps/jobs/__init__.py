"""Jobs without HTTP: orders, a durable queue, files, worker processes. Every lasting door is built on these.

In: an `Order` (what a client may ask for) and files. Out: rows and files that survive a crash. This room must not know
HTTP, tokens or pages; only `fulfilment` and `quick` know both an order and the engine.
"""
