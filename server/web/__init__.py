"""The only aiohttp server code."""
