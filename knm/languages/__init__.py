"""Programming languages, each described by a YAML file: of this folder, or anywhere else.

A description is all that the package knows of a language; whoever adds one writes one file. Its
entries, of which whoever needs none of a kind leaves them out:

- how programs are run and their errors read: `knm.languages.execution`;
- `prompt`, how a model is asked for the language and answers in it: `knm.languages.prompt`;
- `lexer`, what its lexemes look like: `knm.languages.lexis`;
- `foreign`, patterns by name: what is written in other languages and never in this one
  (`knm.languages.foreign`; a group `name` is a word that a program may define itself);
- `reference`, the field of a problem that holds a program in it;
- `extends`, a language whose entries hold where they are not given: `knm.languages.descriptions`.

`knm.languages.language` is the record of them all. Importing this package loads nothing: the part
that runs programs goes into the sandbox's image, where there is the standard library alone.
"""
