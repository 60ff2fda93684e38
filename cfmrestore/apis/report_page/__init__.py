"""The parts of the page that ``cfmrestore.apis.report`` writes."""
