"""The region segmenters: presets, options, and the shifted simulators that choose a checkpoint."""
