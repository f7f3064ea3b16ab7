"""Hand-made glioblastomas on slices, after seed 000: shapes, painting, and the views that a network is taught with.

Lindner et al. 2019 place hand-made tumours into tumour-free images, train a U-Net exclusively on them and evaluate it
on real ones. Only the abstract can be read (docs/METHODS.md A.000), so shapes and intensities here are our own:
concentric deformed polygons, painted over z-scored slices with ranges about the medians of docs/PROTOTYPE.md 8.
"""
