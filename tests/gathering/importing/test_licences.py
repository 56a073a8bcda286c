import pytest

from knm.gathering.importing.found import Skips
from knm.gathering.importing.licences import Licences, licence_name
from tests.gathering.importing.importers import write_files

MIT = (
    "MIT License\n\nPermission is hereby granted, free of charge, to any person\nobtaining a copy "
    'of this software and associated documentation files (the "Software")'
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (MIT, "MIT"),
        ("   GNU GENERAL PUBLIC LICENSE\n      Version 3, 29 June 2007", "GPL-3.0"),
        ("GNU GENERAL PUBLIC LICENSE\nVersion 2, June 1991\nGNU Lesser General", "GPL-2.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE\n Version 2.1, February 1999", "LGPL-2.1"),
        ("GNU Free Documentation License\n Version 1.2, November 2002", "GFDL-1.2"),
        ("Apache License\n   Version 2.0, January 2004", "Apache-2.0"),
        ("Mozilla Public License Version 2.0", "MPL-2.0"),
        (
            "Redistribution and use in source and\nbinary forms ... Neither the name of",
            "BSD-3-Clause",
        ),
        ("Redistribution and use in source and binary forms", "BSD-2-Clause"),
        ("SPDX-License-Identifier: Apache-2.0 OR MIT\n", "Apache-2.0 OR MIT"),
        ("# My own licence\n\nDo as you like.", "My own licence"),
        ("\n \n", None),
    ],
)
def test_licences_are_named_by_their_text(text, name):
    assert licence_name(text) == name


def test_the_nearest_licence_counts(tmp_path):
    root = write_files(
        tmp_path,
        {
            "LICENSE": MIT,
            "vendor/COPYING.txt": "GNU GENERAL PUBLIC LICENSE Version 2,",
            "a/b/c": "",
        },
    )
    licences = Licences(root, Skips(), "GFDL-1.3")
    assert licences.of(root / "a" / "b" / "c.lua") == "MIT"
    assert licences.of(root / "vendor" / "c.lua") == "GPL-2.0"
    assert licences.of(root / "c.lua", "-- SPDX-License-Identifier: ISC\n") == "ISC"
    (root / "LICENSE").unlink()
    assert Licences(root, Skips(), "GFDL-1.3").of(root / "a" / "c.lua") == "GFDL-1.3"
    assert Licences(root, Skips(), None).of(root / "a" / "c.lua") is None
