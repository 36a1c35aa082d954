"""The event loop's side: the one protocol, exchanges, body streams, deadlines, dialling."""
