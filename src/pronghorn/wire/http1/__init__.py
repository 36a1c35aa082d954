"""HTTP/1.1 message syntax and routing (RFC 9112)."""
