"""The loggers of this package."""

import logging

access_logger = logging.getLogger("pronghorn.access")
client_logger = logging.getLogger("pronghorn.client")
server_logger = logging.getLogger("pronghorn.server")
web_logger = logging.getLogger("pronghorn.web")
