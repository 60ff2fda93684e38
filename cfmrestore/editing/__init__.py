"""Editing: other images of what an image shows, by a trained flow."""

from cfmrestore.editing.boundary import Boundary
from cfmrestore.editing.boundary_edit import BoundaryEdit, BoundaryEdits, boundary_edit, flow_digest
from cfmrestore.editing.edit import Edit
from cfmrestore.editing.encoding import Encoded, encode
from cfmrestore.editing.fitting import Candidate, candidates, fit_boundary, mixing_time
from cfmrestore.editing.flow_edit import FlowEdit, flow_edit
from cfmrestore.editing.rf_inversion import RFInversion, rf_edit, rf_invert

__all__ = [
    "Boundary",
    "BoundaryEdit",
    "BoundaryEdits",
    "Candidate",
    "Edit",
    "Encoded",
    "FlowEdit",
    "RFInversion",
    "boundary_edit",
    "candidates",
    "encode",
    "fit_boundary",
    "flow_digest",
    "flow_edit",
    "mixing_time",
    "rf_edit",
    "rf_invert",
]
