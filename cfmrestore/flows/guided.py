"""The velocity under the conditions of a batch, guided or not."""

from collections.abc import Callable, Mapping, Sequence

from cfmrestore.conditions import ConditionInputs, ConditionStack
from cfmrestore.guidance.classifier_free import ClassifierFree, guidance_weights, scales_of, stack_rows
from cfmrestore.typing import Conditioning, Velocity


def guided_velocity(
    conditions: ConditionStack,
    inputs: ConditionInputs,
    under: Callable[[Conditioning], Velocity],
    *,
    guidance: float | Mapping[str, float],
    interval: tuple[float, float],
    names: Sequence[str],
) -> Velocity:
    """By classifier-free guidance, unless every scale is 1.

    Args:
        conditions: What the network is told.
        inputs: From which.
        under: The velocity of the network that is told something.
        guidance: One scale, or one by condition.
        interval: First and last time of guidance.
        names: Conditions that can be dropped.
    """
    weights = guidance_weights(scales_of(guidance, names))
    if all(weight == 0 for weight in weights[:-1]):
        return under(conditions.embed(inputs))
    dropped = [names[index:] for index, weight in enumerate(weights) if weight]
    told, *rows = conditions.embed_rows(inputs, [[], *dropped])
    used = [weight for weight in weights if weight]
    return ClassifierFree(under(stack_rows(rows)), used, under(told), interval)
