"""Looking at vLLM's configuration before anything is loaded."""

import os
from typing import Any, Final

from knm.errors import UserError
from knm.retrieval import Retriever
from knm.serving.vllm.architectures import check_architecture
from knm.serving.vllm.settings import Settings, check_identity, open_retriever, read_settings

ROWS: Final = "knm.serving.vllm.rows:Rows"
RUNNER_VARIABLE: Final = "VLLM_USE_V2_MODEL_RUNNER"


def make_check(architecture: str, before: Any) -> Any:
    """A class as `vllm.model_executor.models.config` wants it for an architecture.

    `before` is the one that vLLM has for it, if any: it goes first.
    """

    class Check:
        @staticmethod
        def verify_and_update_model_config(model_config: Any) -> None:
            if before is not None:
                before.verify_and_update_model_config(model_config)
            if read_settings(os.environ) is not None:
                check_architecture(architecture)
                processors = list(model_config.logits_processors or ())
                model_config.logits_processors = [*processors, ROWS]

        @staticmethod
        def verify_and_update_config(vllm_config: Any) -> None:
            if before is not None:
                before.verify_and_update_config(vllm_config)
            settings = read_settings(os.environ)
            if settings is not None:
                check_configuration(settings, vllm_config)

    return Check


def retriever_for(settings: Settings, vllm_config: Any) -> Retriever:
    """The retriever for the model of a configuration, not yet attached.

    Raises:
        UserError: datastore, preset, model and tokenizer do not belong together.
    """
    model = vllm_config.model_config
    if model.revision is not None or model.tokenizer_revision is not None:
        raise UserError(
            f"--revision: {model.model} is compared with the datastore by its default revision: "
            "download the one that is meant, and serve its directory"
        )
    dtype = str(model.dtype).removeprefix("torch.")
    identity = check_identity(settings, model.model, model.tokenizer, dtype)
    return open_retriever(settings, identity)


def check_configuration(settings: Settings, vllm_config: Any) -> None:
    """Refuse what would be corrected wrongly; leave out what corrections cannot go with.

    Raises:
        UserError: naming the option and the mend.
    """
    if vllm_config.use_v2_model_runner:
        raise UserError(
            f"{RUNNER_VARIABLE}={os.environ.get(RUNNER_VARIABLE)}: vLLM's V2 model runner does not "
            "tell in time which text is in which row: set it to 0, or unset KNM_DATASTORE"
        )
    if vllm_config.speculative_config is not None:
        raise UserError(
            "--speculative-config: tokens that another model proposes are not corrected: leave the "
            "option out, or unset KNM_DATASTORE"
        )
    if vllm_config.lora_config is not None:
        raise UserError(
            "--enable-lora: an adapter gives other hidden states than those the datastore was "
            "mined from: merge it and mine with the result, or unset KNM_DATASTORE"
        )
    retriever = retriever_for(settings, vllm_config)
    parallel = vllm_config.parallel_config
    if retriever.asks_head and parallel.tensor_parallel_size > 1:
        raise UserError(
            f"preset {retriever.preset.name!r} asks the output head for the LM's predictions at "
            f"the keys of {settings.datastore}, and --tensor-parallel-size above 1 divides it: "
            "leave the option out, use --data-parallel-size, choose another preset (trusted), or "
            "for residual mine the datastore again, to have these predictions stored"
        )
    if retriever.contextual:
        scheduler = vllm_config.scheduler_config
        if scheduler.async_scheduling:
            raise UserError(
                f"--async-scheduling: preset {retriever.preset.name!r} reads each token before the "
                "next is computed: leave the option out, or choose another preset (dense)"
            )
        scheduler.async_scheduling = False
