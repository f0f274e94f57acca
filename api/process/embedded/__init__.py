"""The embedded store: a Valkey server of our own, with its files in the data folder.

The server outlives a killed parent. The next start on the same folder finds it by its command line
and takes it over, so a folder never has two servers. Begin with `server.py`.
"""

from api.process.embedded.server import EmbeddedStore, keep_alive

__all__ = ["EmbeddedStore", "keep_alive"]
