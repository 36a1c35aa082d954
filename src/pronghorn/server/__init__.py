"""The server: applications, routing, requests and responses, and what runs them."""
