"""From four volumes as scanned to the normalised 1 mm grid that the models see, and back to the native grid."""
