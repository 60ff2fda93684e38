"""Plugins for cfmrestore: importing this package registers them."""

from cfmrestore_plugin_template.faded_contrast import FadedContrast
from cfmrestore_plugin_template.kutta3 import Kutta3

__all__ = ["FadedContrast", "Kutta3"]
