"""Next-token completion inside projects, as kNM-LM (Tang et al., ASE 2023) measures it.

    python -m benchmarks.completion --data .../intra_project_completion/dataset \
        --projects large_projects/AmazeFileManager,large_projects/feign,large_projects/galaxy \
        --model Qwen/Qwen2.5-Coder-0.5B-Instruct --out completion

A project is a directory with the splits train, valid and test, of JSONL or of lists of lexemes. Of
each, train is mined once, whole and its mistakes alone; weights that the papers tune are chosen on
valid, and test is measured: the LM, kNN-LM (all positions, one weight), kNM-LM (mistakes, `bayes`),
FT2Ra, `trusted`, and a copy that was fine-tuned on train. Run again, it takes what is there.
Intervals are of 95 %, bootstrapped over files. `--train`, `--valid` and `--test` bound the files.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from knm.corpora import CorpusRecord, corpus_hash, find_split, load_corpus
from knm.datastore import Datastore, MiningOptions, mine
from knm.datastore.calibration import error_rate
from knm.datastore.edit import select_rows
from knm.datastore.mining_options import batch_tokens_on
from knm.jsonio import read_json, write_json
from knm.metrics import evaluate_completion
from knm.models import LoadedModel, RawEncoding, load_model
from knm.models.finetuning import finetune
from knm.models.finetuning_options import FinetuningOptions
from knm.report.text import table
from knm.retrieval import Preset, resolve_preset
from knm.retrieval.presets import vary_preset
from knm.statistics import bootstrap_ratio

NEIGHBOURS: Final = 8  # as published, but for our own preset
WEIGHTS: Final = (0.25, 0.5, 0.75)
RATES: Final = (1.0, 3.0, 10.0)
ENCODING: Final = RawEncoding(1024, 512)


def main() -> None:
    """Measure every project, and print a table of each."""
    options = parse()
    for name in options.projects.split(","):
        out = options.out / name.replace("/", "-")
        path = out / "result.json"
        if not path.exists():
            write_json(path, Project(options, options.data / name, out).measure())
        print(render(name, read_json(path)), flush=True)


def parse() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="directory of projects")
    parser.add_argument("--projects", required=True, help="their directories in it, A,B,C")
    parser.add_argument("--model", default="embedded", help="as everywhere")
    parser.add_argument("--out", type=Path, required=True, help="directory of what is made")
    parser.add_argument("--device", help="cpu, cuda")
    parser.add_argument("--dtype", help="of the model that is measured")
    for split in ("train", "valid", "test"):
        parser.add_argument(f"--{split}", type=int, help=f"only so many files of {split}")
    parser.add_argument("--epochs", type=int, default=3, help="of fine-tuning; 0 leaves it out")
    parser.add_argument("--learning-rate", type=float, help="of fine-tuning")
    return parser.parse_args()


class Project:
    """One project, its model and its datastores."""

    def __init__(self, options: argparse.Namespace, directory: Path, out: Path) -> None:
        self._options, self._out = options, out
        self._train, self._valid, self._test = (
            _spread(load_corpus(find_split(directory, split)), getattr(options, split))
            for split in ("train", "valid", "test")
        )

    def measure(self) -> dict[str, Any]:
        """Settings and rows, as plain JSON."""
        loaded = self._load(self._options.model)
        whole, mistakes = self._stores(loaded)
        presets = self._tuned(loaded, whole)
        published = dict(presets)
        calibration = whole.manifest.calibration
        if calibration is not None and calibration.reliability is not None:
            published["trusted"] = resolve_preset("trusted")  # which a tiny store has no bound for
        prior = {"prior": error_rate(whole), "window": 32}
        own = {"k": NEIGHBOURS, "weight_options": prior}
        bayes = vary_preset(resolve_preset("bayes"), own, "kNM-LM")
        rows = self._rows(loaded, self._test, whole, list(published.values()))
        rows += self._rows(loaded, self._test, mistakes, [bayes])[1:]
        counts = {"entries": len(whole), "mistakes": len(mistakes)}
        del loaded, whole, mistakes
        if self._options.epochs:
            rows.append(self._finetuned())
        for row in rows:
            row.update(_gain(row, rows[0]))
        return {
            "model": self._options.model,
            "files": {
                name: len(split)
                for name, split in (
                    ("train", self._train),
                    ("valid", self._valid),
                    ("test", self._test),
                )
            },
            **counts,
            "presets": {name: one.to_json() for name, one in published.items()}
            | {bayes.name: bayes.to_json()},
            "rows": rows,
        }

    def _load(self, name: str) -> LoadedModel:
        return load_model(name, dtype=self._options.dtype, device=self._options.device)

    def _stores(self, loaded: LoadedModel) -> tuple[Datastore, Datastore]:
        tokens = batch_tokens_on(loaded.device.type)
        examples = ENCODING(loaded.tokenizer, self._train)
        mining = MiningOptions(batch_tokens=tokens)
        whole = mine(
            loaded, examples, self._out / "all", mining, corpus_hash=corpus_hash(self._train)
        )
        wrong = whole.provenance["predicted"] != whole.values
        mistakes = select_rows(
            whole, wrong, "mistakes", {}, self._out / "mistakes", device=loaded.device
        )
        return whole, mistakes

    def _tuned(self, loaded: LoadedModel, whole: Datastore) -> dict[str, Preset]:
        """kNN-LM and FT2Ra with what does best on valid."""
        choices = {
            "kNN-LM": [
                vary_preset(resolve_preset("dense"), {"weight": w, "k": NEIGHBOURS}, "kNN-LM")
                for w in WEIGHTS
            ],
            "FT2Ra": [
                vary_preset(
                    resolve_preset("ft2ra"),
                    {"fusion_options": {"eta": rate}, "k": NEIGHBOURS},
                    "FT2Ra",
                )
                for rate in RATES
            ],
        }
        asked = [preset for presets in choices.values() for preset in presets]
        rows = self._rows(loaded, self._valid, whole, asked)[1:]
        exact = iter([row["exact"] for row in rows])
        chosen = {}
        for name, presets in choices.items():
            found = [next(exact) for _ in presets]
            chosen[name] = presets[found.index(max(found))]
        return chosen

    def _finetuned(self) -> dict[str, Any]:
        directory = self._out / "finetuned"
        finetune(
            self._options.model,
            self._train,
            ENCODING,
            directory,
            FinetuningOptions(
                learning_rate=self._options.learning_rate,
                epochs=self._options.epochs,
                batch_size=16,
            ),
            device=self._options.device,
        )
        (row,) = self._rows(self._load(str(directory)), self._test)
        return {**row, "name": "fine-tuned"}

    def _rows(
        self,
        loaded: LoadedModel,
        records: Sequence[CorpusRecord],
        store: Datastore | None = None,
        presets: Sequence[Preset] = (),
    ) -> list[dict[str, Any]]:
        """The LM first; of each row what the table tells and what files came to."""
        tokens = batch_tokens_on(loaded.device.type)
        measured = evaluate_completion(loaded, records, ENCODING, store, presets, tokens)
        if loaded.device.type == "cuda":
            torch.cuda.empty_cache()
        return [
            {
                "name": one.name,
                "lexemes": one.all.lexemes,
                "exact": one.all.exact,
                "interval": list(one.interval),
                "similarity": one.all.similarity,
                "reciprocal_rank": one.all.reciprocal_rank,
                "by_type": {kind: part.exact for kind, part in one.by_type.items()},
                "by_file": {name: list(counts) for name, counts in one.by_file.items()},
            }
            for one in measured.figures
        ]


def _spread(records: Sequence[CorpusRecord], count: int | None) -> Sequence[CorpusRecord]:
    """At most `count` of the records, at equal distances."""
    if count is None or count >= len(records):
        return records
    return [records[place * len(records) // count] for place in range(count)]


def _gain(row: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """How much more comes out exactly than in `base`, file by file the same lexemes."""
    parts = [
        (hits - base["by_file"][name][1], lexemes)
        for name, (lexemes, hits) in row["by_file"].items()
    ]
    return {"gain": row["exact"] - base["exact"], "gain_interval": list(bootstrap_ratio(parts))}


def render(name: str, result: Mapping[str, Any]) -> str:
    """A project's rows as a table."""
    rows = [["", "exact", "95 % interval", "above the LM", "similarity", "reciprocal rank"]]
    for row in result["rows"]:
        low, high = (f"{100 * bound:.2f}" for bound in row["interval"])
        least, most = (f"{100 * bound:+.2f}" for bound in row["gain_interval"])
        rows.append(
            [
                row["name"],
                f"{100 * row['exact']:.2f} %",
                f"{low}-{high}",
                f"{100 * row['gain']:+.2f} ({least} to {most})",
                f"{row['similarity']:.4f}",
                f"{row['reciprocal_rank']:.4f}",
            ]
        )
    files = ", ".join(f"{count} {split}" for split, count in result["files"].items())
    knn, ft2ra = result["presets"]["kNN-LM"], result["presets"]["FT2Ra"]
    chosen = f"weight {knn['weight']:g}, eta {ft2ra['fusion_options']['eta']:g}"
    head = (
        f"{name}, {result['model']}: files {files}; {result['rows'][0]['lexemes']:,} lexemes, "
        f"{result['entries']:,} entries, {result['mistakes']:,} of mistakes; {chosen}"
    )
    return "\n".join([head, "", *table(rows), ""])


if __name__ == "__main__":
    main()
