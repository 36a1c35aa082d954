"""Bytes <-> messages: pure and synchronous. No event loop, no clock, no logging, no sockets."""
