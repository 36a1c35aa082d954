"""From a request's method and path to its handler."""
