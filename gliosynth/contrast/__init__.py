"""Contrast: relaxometry, sequences, artefacts and rendering of a label map to T1, T1 with gadolinium, T2 and FLAIR."""
