"""The skull stripper: heads with skulls, made by the simulator."""
