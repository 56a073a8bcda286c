"""Groups of sub-commands of `knm`; each module is registered by `knm.cli`."""
