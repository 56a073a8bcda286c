"""New material out of written programs: corpora, problem sets, datastores of trials.

Four ways to it: importing what others have published, collecting what runs have written already,
having a LM translate programs into another language, and exploring a LM's own programs token by
token.
"""
