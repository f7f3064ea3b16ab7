"""gliosynth: synthetic multi-contrast brain-tumour MRI and tumour segmentation."""

__version__ = "0.1.0"
