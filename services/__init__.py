"""The network: thin gRPC services over the library. `python -m services` runs all of them on one port."""
