"""Learning rate by samples seen, with a state that can be saved and checked like Megatron's scheduler."""

import math
from dataclasses import asdict, dataclass

from cli_errors import BadInput


@dataclass
class LearningRateSchedule:
    """Linear warm-up, then decay; every `*_steps` counts samples, not iterations."""

    max_lr: float
    min_lr: float
    lr_warmup_steps: int
    lr_decay_steps: int
    lr_decay_style: str
    num_steps: int = 0

    def current(self) -> float:
        """Return the rate of the next optimizer step."""
        if self.num_steps < self.lr_warmup_steps:
            return self.max_lr * self.num_steps / self.lr_warmup_steps
        if self.lr_decay_style == "constant":
            return self.max_lr
        if self.num_steps >= self.lr_decay_steps:
            return self.min_lr
        done = (self.num_steps - self.lr_warmup_steps) / (self.lr_decay_steps - self.lr_warmup_steps)
        share = 1.0 - done if self.lr_decay_style == "linear" else 0.5 * (math.cos(math.pi * done) + 1.0)
        return self.min_lr + share * (self.max_lr - self.min_lr)

    def advance(self, samples: int) -> None:
        self.num_steps += samples

    def state_dict(self) -> dict[str, float | int | str]:
        return asdict(self)

    def load_state_dict(self, state: dict[str, float | int | str], override: bool) -> None:
        """Take over `num_steps`; the other values must equal the saved ones unless `override`."""
        for name, value in self.state_dict().items():
            if name != "num_steps" and not override and state[name] != value:
                raise BadInput(
                    f"OptimizerParamScheduler: class input value {value} and checkpoint value {state[name]} for {name} "
                    "do not match. Use the old arguments or add --override-opt_param-scheduler."
                )
        self.num_steps = int(state["num_steps"])
