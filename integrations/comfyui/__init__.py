"""Nodes of ComfyUI that restore images with cfmrestore."""

from .nodes import comfy_entrypoint

__all__ = ["comfy_entrypoint"]
