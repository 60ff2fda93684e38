"""Editing: other images of what an image shows, by a trained flow."""

from cfmrestore.editing.edit import Edit
from cfmrestore.editing.flow_edit import FlowEdit, flow_edit
from cfmrestore.editing.rf_inversion import RFInversion, rf_edit, rf_invert

__all__ = ["Edit", "FlowEdit", "RFInversion", "flow_edit", "rf_edit", "rf_invert"]
