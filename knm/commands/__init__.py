"""Groups of sub-commands of `knm`; `knm.cli` names each and loads it when it is asked for."""
