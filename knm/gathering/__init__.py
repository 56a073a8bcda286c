"""New material out of judged programs, for corpora and for datastores of trials.

Three ways to it: collecting what runs have written already, having a LM translate programs into
another language, and exploring a LM's own programs token by token.
"""
