"""The model that is trained: stock GLM-4.5V with merged expert weights, frozen and sharded as asked."""

import argparse
import warnings

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from transformers.activations import ACT2FN
from transformers.models.glm4v_moe.configuration_glm4v_moe import Glm4vMoeConfig
from transformers.models.glm4v_moe.modeling_glm4v_moe import Glm4vMoeForConditionalGeneration

# Which parameters a freeze flag covers, by a part of their name. As upstream, the embeddings, the down-sampling and
# the outer norms of the vision tower belong to none and stay trainable; lm_head follows the text decoder.
FROZEN_NAME_PARTS = {
    "freeze_vision_encoder": ("visual.patch_embed", "visual.blocks"),
    "freeze_vision_projector": ("visual.merger",),
    "freeze_text_decoder": ("language_model.", "lm_head."),
}


# The vision tower returns a view. That is harmless as long as nobody writes into it, and the stock model does not.
warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")


class MergedExperts(nn.Module):
    """All experts of a layer in the two tensors of the checkpoint format: [E*H, 2I] and [E*I, H]."""

    def __init__(self, experts: int, hidden: int, intermediate: int, activation: str, std: float) -> None:
        super().__init__()
        self.experts, self.hidden, self.intermediate = experts, hidden, intermediate
        self.act_fn = ACT2FN[activation]
        self.gate_up_proj = nn.Parameter(torch.empty(experts * hidden, 2 * intermediate).normal_(0.0, std))
        self.down_proj = nn.Parameter(torch.empty(experts * intermediate, hidden).normal_(0.0, std))

    def forward(
        self, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
    ) -> torch.Tensor:
        """Return [tokens, H] from [tokens, H], the chosen experts [tokens, k] and their weights [tokens, k]."""
        gate_up = self.gate_up_proj.view(self.experts, self.hidden, 2 * self.intermediate)
        down = self.down_proj.view(self.experts, self.intermediate, self.hidden)
        output = torch.zeros_like(hidden_states)
        for expert in range(self.experts):
            tokens, choice = torch.where(top_k_index == expert)
            if tokens.numel() == 0:
                continue
            gate, up = (hidden_states[tokens] @ gate_up[expert]).chunk(2, dim=-1)
            result = (self.act_fn(gate) * up) @ down[expert]
            output = output.index_add(0, tokens, result * top_k_weights[tokens, choice, None])
        return output


def build_model(hf_dir: str, arguments: argparse.Namespace) -> tuple[Glm4vMoeForConditionalGeneration, list[str]]:
    """Return the FP32 model with random weights from the seed, and the name parts that were frozen."""
    config = Glm4vMoeConfig.from_pretrained(hf_dir)
    config.dtype = torch.float32
    torch.manual_seed(arguments.seed)
    model = Glm4vMoeForConditionalGeneration(config).float()
    text = config.text_config
    for layer in model.model.language_model.layers[text.first_k_dense_replace :]:
        layer.mlp.experts = MergedExperts(
            text.n_routed_experts,
            text.hidden_size,
            text.moe_intermediate_size,
            text.hidden_act,
            text.initializer_range,
        )
    frozen = [part for flag, parts in FROZEN_NAME_PARTS.items() if getattr(arguments, flag) for part in parts]
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not any(part in name for part in frozen))
    model.train()
    return model, frozen


def shard_model(model: Glm4vMoeForConditionalGeneration, mesh: DeviceMesh) -> None:
    """Shard every parameter over `mesh`, as one group.

    A group per layer overlaps communication with computing on large models. Here each further group costs two
    collectives an iteration and hides nothing: five groups take 214 ms where one takes 183 ms (2 ranks, 2 cores).
    """
    # Keeping gathered weights until the backward pass saves a second gather; these models are tiny.
    fully_shard(model, mesh=mesh, reshard_after_forward=False)
