"""A web page to try a model: ``python -m cfmrestore.demo``."""

import os

# Read when gradio is imported: the page tells nobody that it runs.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
