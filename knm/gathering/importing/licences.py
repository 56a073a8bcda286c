"""Which licence a checkout states, by the name that SPDX gives it."""

import re
from pathlib import Path
from typing import Final

from knm.gathering.importing.files import first_text
from knm.gathering.importing.found import Skips

_NAMES: Final = tuple(
    name + suffix
    for name in ("LICENSE", "LICENCE", "COPYING", "UNLICENSE", "LICENSE-MIT", "COPYRIGHT")
    for suffix in ("", ".txt", ".md", ".rst")
)
_SPDX: Final = re.compile(r"SPDX-License-Identifier:\s*([\w.+() -]+)")
_MOST: Final = 80  # characters of a licence's first line
# What a text says that no other says before it in this table: words, in lower case.
_SIGNS: Final = (
    ("AGPL-3.0", "gnu affero general public license version 3"),
    ("LGPL-3.0", "gnu lesser general public license version 3"),
    ("LGPL-2.1", "gnu lesser general public license version 2.1"),
    ("GPL-3.0", "gnu general public license version 3"),
    ("GPL-2.0", "gnu general public license version 2"),
    ("GFDL-1.3", "gnu free documentation license version 1.3"),
    ("GFDL-1.2", "gnu free documentation license version 1.2"),
    ("Apache-2.0", "apache license version 2.0"),
    ("MPL-2.0", "mozilla public license version 2.0"),
    ("MPL-2.0", "mozilla public license, version 2.0"),
    ("CC0-1.0", "cc0 1.0 universal"),
    ("CC-BY-SA-4.0", "attribution-sharealike 4.0"),
    ("CC-BY-4.0", "attribution 4.0 international"),
    ("BSL-1.0", "boost software license"),
    ("Unlicense", "this is free and unencumbered software released into the public domain"),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("ISC", "permission to use, copy, modify, and/or distribute this software for any purpose"),
    ("ISC", "permission to use, copy, modify, and distribute this software for any purpose"),
    ("BSD-3-Clause", "neither the name of"),
    ("BSD-2-Clause", "redistribution and use in source and binary forms"),
    ("Zlib", "this software is provided 'as-is', without any express or implied warranty"),
    ("WTFPL", "do what the fuck you want to public license"),
)


class Licences:
    """The licences of a checkout: that of the nearest folder upwards counts for a file."""

    def __init__(self, root: Path, skips: Skips, otherwise: str | None) -> None:
        """`otherwise` is what counts where nothing is stated."""
        self._root, self._skips = root, skips
        self._known: dict[Path, str | None] = {root.parent: otherwise}

    def of(self, path: Path, text: str = "") -> str | None:
        """The licence of a file: what its text names, or else what its folder states."""
        own = _SPDX.search(text[:2000])
        return own[1].strip() if own else self._of_folder(path.parent)

    def _of_folder(self, folder: Path) -> str | None:
        if folder not in self._known:
            text = first_text(self._root, folder, _NAMES, self._skips, "latin-1")
            stated = licence_name(text) if text else None
            self._known[folder] = stated or self._of_folder(folder.parent)
        return self._known[folder]


def licence_name(text: str) -> str | None:
    """What a licence's text is called; its first line where it is none that is known."""
    own = _SPDX.search(text)
    if own:
        return own[1].strip()
    # Words alone: how lines are broken and what stands before a title differs.
    words = " ".join(re.sub(r"[^\w.,'/-]+", " ", text.lower()).split())
    for name, sign in _SIGNS:
        if sign in words or sign.replace(",", "") in words.replace(",", ""):
            return name
    lines = (line.strip("#*= \t") for line in text.splitlines())
    return next((line[:_MOST] for line in lines if line), None)
