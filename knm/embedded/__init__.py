"""What comes with the package and how it is made: grammar, corpora, model, problems, datastore.

`grammar` draws tasks and `utility` functions of another domain; `generator`, `splits` and
`candidates` make corpora and problem sets of them, `recipes` and `training*` the model. `store`
mines its datastore, and `tuning_data` says what settings must not be tuned on. The data lie beside
them: `model/`, `corpora/`, `problems/`. Nothing that the library is made of imports this package,
which finds the data through `knm.packaged`; commands and the bench do.
"""
