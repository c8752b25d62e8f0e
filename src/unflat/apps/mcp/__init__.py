"""MCP: agents turn pictures into models, check and rework them, over stdio or streamable HTTP.

In: tool calls. Out: structured answers, pictures, resources. Built on the jobs room: a queue in the user's data folder
with a worker of its own. Must not know: stages, the web server's pages and tokens.
"""
