"""Fetching the test split of a data set on the Hugging Face hub into its local cache."""

from pathlib import Path
from typing import Final

from knm.errors import UserError

# Where data sets keep a split, most usual first; the first form that is there is taken.
_SPLIT_PATTERNS: Final = (
    "data/test-*.parquet",
    "test*.parquet",
    "data/test*.jsonl",
    "test*.jsonl",
)


def fetch_test_split(
    repo_id: str,
    config: str | None = None,
    *,
    endpoint: str | None = None,
    cache_dir: Path | None = None,
) -> list[Path]:
    """Download what is not cached yet and return the split's files, sorted by name.

    Without a connection a complete earlier download is used.

    Args:
        repo_id: `owner/name` of a data set, with `@` and a branch, tag or commit if need be.
        config: a part of it that has a folder of its own; the whole data set if None.
        endpoint: the hub's address; by default that of `HF_ENDPOINT`.
        cache_dir: by default the hub client's own.

    Raises:
        UserError: the hub cannot be reached, has no such data set, or the data set no test split.
    """
    # Here, because a run from a local file has no use for the client and its HTTP stack.
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name, _, revision = repo_id.partition("@")
    within = "" if config is None else f"{config}/"
    patterns = [within + pattern for pattern in _SPLIT_PATTERNS]
    address = endpoint or constants.ENDPOINT
    try:
        snapshot = snapshot_download(
            name,
            repo_type="dataset",
            revision=revision or None,
            allow_patterns=patterns,
            endpoint=endpoint,
            cache_dir=cache_dir,
        )
    except GatedRepoError:
        raise UserError(
            f"{repo_id}: gated on the hub at {address}; accept its terms there and set HF_TOKEN"
        ) from None
    except RevisionNotFoundError:
        raise UserError(
            f"{repo_id}: the data set has no revision {revision!r} on the hub at {address}; give a "
            "branch, a tag or a whole commit"
        ) from None
    except RepositoryNotFoundError:
        raise UserError(
            f"{repo_id}: no such file or directory here, and no such data set on the hub at "
            f"{address}; check the spelling, and set HF_TOKEN if it is private"
        ) from None
    except Exception as error:  # the client's HTTP library, hence its errors, varies by version
        raise UserError(
            f"{repo_id}: no such file or directory here, and the hub at {address} did not deliver "
            f"it ({type(error).__name__}: {_first_line(error)}); check the path, or the connection "
            "and HF_ENDPOINT, or download the data set elsewhere and name its directory"
        ) from error
    for pattern in patterns:
        if files := sorted(Path(snapshot).glob(pattern)):
            return files
    raise UserError(
        f"{repo_id}: the data set has no test split (none of {', '.join(patterns)}); "
        "name a data set that has one, or download its files and name their directory"
    )


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no details")
