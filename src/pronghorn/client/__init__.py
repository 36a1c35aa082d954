"""The client: sessions, connections and their pool, requests and responses."""
