"""What a datastore did to a completion that was written elsewhere: its tokens are read again.

An engine that gives no details of retrieval corrects as ours does; so what it did can be found out
by letting the corrected model read what was written, token by token.
"""

from collections.abc import Sequence

import torch

from knm.engine.requests import encode_request, find_objection
from knm.engine.state import shown_neighbours
from knm.engine.tracing import SequenceTrace
from knm.models import LoadedModel
from knm.records import Interventions, Request
from knm.retrieval import Retriever, corrected


@torch.inference_mode()
def recompute_interventions(
    loaded: LoadedModel, retriever: Retriever, request: Request, tokens: Sequence[int], text: str
) -> Interventions:
    """What retrieval did where `tokens`, which say `text`, were written in answer to `request`.

    Raises:
        UserError: the datastore is not the model's, or the preset cannot work with it.
    """
    prompt = encode_request(loaded.tokenizer, request)
    retriever.attach(loaded.model, loaded.tokenizer)
    withheld = find_objection(retriever, request, prompt)
    trace = SequenceTrace(shown_neighbours(retriever.preset))
    if withheld is None and tokens:
        with corrected(loaded.model, retriever, trace.observe, tokenizer=loaded.tokenizer) as model:
            cache = None
            for fed in (prompt, *([token] for token in tokens[:-1])):
                ids = torch.tensor([fed], device=loaded.device)
                output = model(
                    input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1
                )
                cache = output.past_key_values
    return trace.interventions(tokens, text, retriever.datastore, loaded.tokenizer, withheld)
