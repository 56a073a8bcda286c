"""`knm calibrate`."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from knm.commands.output import JsonOption, print_table
from knm.jsonio import dumps


def calibrate(
    datastore: Annotated[Path, typer.Argument(help="Directory of the datastore.")],
    device: Annotated[str, typer.Option(help="Where neighbours are searched.")] = "cpu",
    sample: Annotated[
        int, typer.Option(min=10, help="Entries of each kind that the adaptor learns from.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed of the adaptor.")] = 0,
    json: JsonOption = False,
) -> None:
    """Measure how far a datastore can be trusted, and train the adaptor of preset `learned`."""
    from knm.datastore import Datastore
    from knm.models import resolve_placement
    from knm.outputs import check_output_directory

    store = Datastore.open(datastore)
    check_output_directory("datastore", datastore)
    import torch

    from knm.datastore.calibration import calibrate as measure
    from knm.retrieval.adapting import AdaptorOptions, train_adaptor

    where = torch.device(resolve_placement(device, None).device)
    manifest = replace(store.manifest, calibration=measure(store, where))
    manifest.save(datastore)
    adaptor = train_adaptor(
        replace(store, manifest=manifest), where, AdaptorOptions(sample=sample, seed=seed)
    )
    adaptor.save(datastore)
    calibration = manifest.calibration
    assert calibration is not None
    if json:
        print(dumps({"calibration": asdict(calibration), "adaptor": adaptor.figures}))
        return
    reliability = calibration.reliability
    assert reliability is not None
    print_table(
        ("datastore", datastore),
        ("weight bound", reliability.weight),
        ("trusted up to", f"{reliability.distance:.4g} (squared L2)"),
        ("mistakes mended", f"{reliability.fixed:.1%}"),
        ("right ones spoilt", f"{reliability.broken:.2%}"),
        ("loss of the LM", f"{adaptor.figures['loss_lm']:.4f} nats"),
        ("loss, static 0.9", f"{adaptor.figures['loss_static']:.4f} nats"),
        ("loss, learned", f"{adaptor.figures['loss_learned']:.4f} nats"),
        ("mean weight", f"{adaptor.figures['mean_weight']:.3f}"),
    )
