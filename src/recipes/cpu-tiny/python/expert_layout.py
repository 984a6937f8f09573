"""Between one tensor per expert (Hugging Face) and two merged tensors per layer (training checkpoints)."""

from dataclasses import dataclass

import torch

from cli_errors import BadInput


@dataclass(frozen=True)
class ExpertLayout:
    """Which layers have experts and how many: from `text_config` of a config.json."""

    first_moe_layer: int
    layers: int
    experts: int
    hidden: int
    intermediate: int

    @classmethod
    def from_config(cls, config: dict) -> "ExpertLayout":
        """Read the layout of a `glm4v_moe` configuration; refuse another model type."""
        if config.get("model_type") != "glm4v_moe":
            found = config.get("model_type")
            raise BadInput(f"config.json: model_type is {found!r}. Only 'glm4v_moe' can be converted.")
        text = config["text_config"]
        return cls(
            first_moe_layer=text["first_k_dense_replace"],
            layers=text["num_hidden_layers"],
            experts=text["n_routed_experts"],
            hidden=text["hidden_size"],
            intermediate=text["moe_intermediate_size"],
        )

    def moe_prefixes(self) -> list[str]:
        """Return the tensor name prefix of the experts of each layer that has some."""
        return [f"model.language_model.layers.{n}.mlp.experts." for n in range(self.first_moe_layer, self.layers)]


def merge_layer(tensors: dict[str, torch.Tensor], prefix: str, layout: ExpertLayout) -> dict[str, torch.Tensor]:
    """Return `gate_up_proj` [E*H, 2I] and `down_proj` [E*I, H] of one layer from its 3 E tensors."""

    def expert(number: int, projection: str) -> torch.Tensor:
        name = f"{prefix}{number}.{projection}.weight"
        if name not in tensors:
            raise BadInput(f"tensor {name} is not in any *.safetensors of --hf-dir. config.json and weights disagree.")
        return tensors[name]

    gate_up = [
        torch.cat([expert(number, "gate_proj"), expert(number, "up_proj")]).T for number in range(layout.experts)
    ]
    down = [expert(number, "down_proj").T for number in range(layout.experts)]
    return {
        f"{prefix}gate_up_proj": torch.stack(gate_up).reshape(-1, 2 * layout.intermediate),
        f"{prefix}down_proj": torch.stack(down).reshape(-1, layout.hidden),
    }


def split_layer(tensors: dict[str, torch.Tensor], prefix: str, layout: ExpertLayout) -> dict[str, torch.Tensor]:
    """Undo `merge_layer`: return the 3 E tensors of one layer."""
    gate_up = tensors[f"{prefix}gate_up_proj"].reshape(layout.experts, layout.hidden, 2 * layout.intermediate)
    down = tensors[f"{prefix}down_proj"].reshape(layout.experts, layout.intermediate, layout.hidden)
    split: dict[str, torch.Tensor] = {}
    for number in range(layout.experts):
        gate, up = gate_up[number].T.chunk(2)
        split[f"{prefix}{number}.gate_proj.weight"] = gate.contiguous()
        split[f"{prefix}{number}.up_proj.weight"] = up.contiguous()
        split[f"{prefix}{number}.down_proj.weight"] = down[number].T.contiguous()
    return split
